package io.vhost.app.cli;

import io.vhost.device.TruncationGuard;
import io.vhost.device.VhostConfig;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Which memory front-ends may share, and how it is treated: options of several commands. */
public final class MemoryOptions {
    @Option(names = "--require-sealed",
            description = "Refuse memory that its front-end could truncate: it has to be a memfd that is or"
                    + " can be sealed, as that of QEMU's memory-backend-memfd is.")
    private boolean requireSealed;

    @Option(names = "--allow-any-file",
            description = "Accept memory in files of FUSE, networks and unknown file systems, whose pages"
                    + " may never come.")
    private boolean allowAnyFile;

    @Option(names = "--guard-memory",
            description = "Put zeros in the place of memory whose file was truncated before the JVM meets the"
                    + " fault; x86-64 only.")
    private boolean guard;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    /**
     * Tells the configuration, and the process, before anybody connects.
     *
     * @throws ParameterException when this machine cannot do what the user asked for
     */
    public VhostConfig.Builder apply(VhostConfig.Builder offer) {
        if (guard) {
            guard();
        }
        return offer.requireSealedMemory(requireSealed).allowAnyFile(allowAnyFile);
    }

    private void guard() {
        try {
            TruncationGuard.enable();
        } catch (UnsupportedOperationException e) {
            throw new ParameterException(command.commandLine(), "--guard-memory: " + e.getMessage(), e);
        }
    }
}
