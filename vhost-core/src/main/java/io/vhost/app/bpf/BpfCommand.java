package io.vhost.app.bpf;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The command {@code bpf}: tools for eBPF objects. Thread: the main thread. */
@Command(
        name = "bpf",
        mixinStandardHelpOptions = true,
        subcommands = BpfInspectCommand.class,
        synopsisSubcommandLabel = "COMMAND",
        description = "Looks into eBPF objects.")
public final class BpfCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    /** The command, to be added to a command line or to be one. */
    public BpfCommand() {
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "a command is missing");
    }
}
