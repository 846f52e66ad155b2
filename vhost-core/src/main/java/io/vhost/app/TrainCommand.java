package io.vhost.app;

import io.vhost.app.cli.CommandContext;
import io.vhost.app.cli.EndSignal;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/**
 * The command {@code train}: does in short what the program is for, so that a JVM that makes an AOT cache
 * sees the classes that it will need.
 */
@Command(name = "train", hidden = true, mixinStandardHelpOptions = true,
        header = "Does a little of everything, for a JVM that makes an AOT cache.")
final class TrainCommand implements Callable<Integer> {
    /** Runs a command line. */
    interface Runner {
        /** The exit status. */
        int run(CommandContext context, PrintWriter err, String... words);
    }

    @Spec
    private CommandSpec spec;

    private final Runner runner;

    TrainCommand(Runner runner) {
        this.runner = runner;
    }

    @Override
    public Integer call() throws IOException {
        Path directory = Files.createTempDirectory("vhost");
        try {
            String socket = directory.resolve("s").toString();
            String monitor = directory.resolve("m").toString();
            int demo = run("demo", "--packets", "2000");
            int bridge = run("switch", "--socket-path", socket, "--monitor", monitor, "--seconds", "1");
            int forward = run("forward", "--socket-path", socket, "--monitor", monitor, "--seconds", "1");
            return Math.max(demo, Math.max(bridge, forward));
        } finally {
            Files.delete(directory);
        }
    }

    private int run(String... words) {
        CommandContext context =
                new CommandContext(new PrintWriter(Writer.nullWriter()), false, new EndSignal());
        return runner.run(context, spec.commandLine().getErr(), words);
    }
}
