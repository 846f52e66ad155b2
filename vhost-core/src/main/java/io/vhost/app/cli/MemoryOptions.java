package io.vhost.app.cli;

import io.vhost.memory.TruncationGuard;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** How guest memory is treated: options of several commands. */
public final class MemoryOptions {
    @Option(names = "--guard-memory",
            description = "Put zeros in the place of guest memory whose file was truncated before the JVM"
                    + " meets the fault; x86-64 only.")
    private boolean guard;

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    /**
     * Does what the user asked for, before anybody connects.
     *
     * @throws ParameterException when this machine cannot
     */
    public void apply() {
        if (!guard) {
            return;
        }
        try {
            TruncationGuard.enable();
        } catch (UnsupportedOperationException e) {
            throw new ParameterException(command.commandLine(), "--guard-memory: " + e.getMessage(), e);
        }
    }
}
