package io.vhost.app;

import io.vhost.app.cli.CommandContext;
import io.vhost.app.service.ManPage;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** The command {@code man}, for whoever packages the program. */
@Command(name = "man", hidden = true, mixinStandardHelpOptions = true,
        header = "Writes the page of a command for man(1).",
        description = "vhost man switch > vhost-switch.1")
final class ManCommand implements Runnable {
    @Parameters(arity = "0..*", paramLabel = "COMMAND", description = "The command; vhost itself by default.")
    private List<String> words;

    @Spec
    private CommandSpec spec;

    private final CommandContext context;

    ManCommand(CommandContext context) {
        this.context = context;
    }

    @Override
    public void run() {
        CommandLine command = spec.root().commandLine();
        for (String word : words == null ? List.<String>of() : words) {
            command = command.getSubcommands().get(word);
            if (command == null) {
                throw new ParameterException(spec.commandLine(), "there is no command " + word);
            }
        }
        ManPage.write(command, context.out());
    }
}
