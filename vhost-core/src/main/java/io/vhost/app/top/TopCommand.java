package io.vhost.app.top;

import io.vhost.app.cli.CommandContext;
import io.vhost.app.cli.Version;
import io.vhost.monitor.MonitorClient;
import io.vhost.monitor.command.CommandException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** The command {@code top}. */
@Command(
        name = "top",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        sortOptions = false,
        usageHelpAutoWidth = true,
        header = "Shows the queues of a running program.",
        description = {
            "Asks the monitor on a socket, as opened with --monitor: packet and bit rates, packets in flight,"
                + " drops and waits for the lock of each queue.",
            "On a terminal it has the whole of it, and q ends it; elsewhere tables follow each other."
                + " Ends after Ctrl-C with status 0."
        })
public final class TopCommand implements Callable<Integer> {
    private static final long SECOND = 1_000_000_000;
    private static final int KEY_MILLIS = 100;

    @Parameters(paramLabel = "PATH", description = "The monitor's socket.")
    private Path path;

    @Option(names = "--count", paramLabel = "N", description = "End after N tables; 0, the default: never.")
    private int count;

    @Spec
    private CommandSpec spec;

    private final CommandContext context;

    /** The command, to be added to a command line. */
    public TopCommand(CommandContext context) {
        this.context = context;
    }

    @Override
    public Integer call() throws IOException {
        if (count < 0) {
            throw new ParameterException(spec.commandLine(), "--count must not be negative");
        }
        try (MonitorClient monitor = MonitorClient.connect(path); TopScreen screen = screen()) {
            TopTable before = TopTable.ask(monitor);
            for (int shown = 0; (count == 0 || shown < count) && !isOver(screen); shown++) {
                TopTable now = TopTable.ask(monitor);
                show(screen, now.since(before));
                before = now;
            }
        } catch (CommandException e) {
            throw new IOException("the monitor refuses: " + e.getMessage(), e);
        }
        return 0;
    }

    /** The terminal; null if output goes elsewhere, or to one that can only print lines. */
    private TopScreen screen() {
        try {
            return context.terminal() ? TopScreen.open() : null;
        } catch (IOException _) {
            return null;
        }
    }

    /** Waits for a second, or until the user has seen enough. */
    private boolean isOver(TopScreen screen) throws IOException {
        if (screen == null) {
            return context.end().await(SECOND);
        }
        long start = System.nanoTime();
        boolean over = false;
        while (!over && System.nanoTime() - start < SECOND) {
            over = screen.isQuitPressed(KEY_MILLIS) || context.end().isRaised();
        }
        return over;
    }

    private void show(TopScreen screen, List<String> lines) throws IOException {
        if (screen != null) {
            screen.show(TopTable.TITLE, lines);
        } else {
            context.out().println(TopTable.TITLE);
            lines.forEach(context.out()::println);
            if (context.out().checkError()) {
                throw new IOException(CommandContext.OUTPUT_LOST);
            }
        }
    }
}
