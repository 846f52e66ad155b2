package io.vhost.app.cli;

import io.vhost.app.polling.DmaKind;
import io.vhost.dma.DmaRegistry;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Whether DMA channels copy packets, and which: options of several commands. */
public final class AsyncOptions {
    @Option(names = "--async", description = "Have packets copied by DMA channels.")
    private boolean async;

    @Option(names = "--dma", paramLabel = "KIND",
            description = "What the channels are, with --async: worker, a thread each, or inline, the thread"
                    + " that moves packets; worker by default if there are CPUs to spare.")
    private DmaKind dma;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    /**
     * The channels that the user asked for, for their closer.
     *
     * @param channels how many
     * @param busyThreads how many threads poll
     * @return null when the user asked for none
     * @throws ParameterException when the options contradict each other
     */
    public DmaRegistry open(int channels, int busyThreads) {
        if (dma != null && !async) {
            throw new ParameterException(command.commandLine(), "--dma needs --async");
        }
        if (!async) {
            return null;
        }
        DmaKind kind = dma == null ? DmaKind.suggested(busyThreads) : dma;
        return kind.channels(channels);
    }
}
