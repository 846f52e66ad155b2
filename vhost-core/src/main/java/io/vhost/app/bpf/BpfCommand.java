package io.vhost.app.bpf;

import io.vhost.app.cli.EndSignal;
import java.io.InputStream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The command {@code bpf}: tools for eBPF objects. Thread: the main thread. */
@Command(
        name = "bpf",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        description = "Looks into eBPF objects and runs them.")
public final class BpfCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    private BpfCommand() {
    }

    /**
     * The command with those below it.
     *
     * @param end tells when its user waits no longer
     */
    public static CommandLine commandLine(EndSignal end) {
        return commandLine(end, System.in);
    }

    /** The same with another standard input. */
    static CommandLine commandLine(EndSignal end, InputStream in) {
        return new CommandLine(new BpfCommand()).addSubcommand(new BpfInspectCommand(end))
                .addSubcommand(new BpfVerifyCommand(end))
                .addSubcommand(new BpfRunCommand(end)).addSubcommand(new BpfTestCommand(in));
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "a command is missing");
    }
}
