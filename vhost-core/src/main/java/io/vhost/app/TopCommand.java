package io.vhost.app;

import io.vhost.monitor.CommandException;
import io.vhost.monitor.MonitorClient;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The command {@code top}. */
@Command(
        name = "top",
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class,
        sortOptions = false,
        usageHelpAutoWidth = true,
        header = "Shows the queues of a running program.",
        description = {
            "Asks the monitor on a socket, as opened with --monitor: packet and bit rates, packets in flight,"
                + " drops and waits for the lock of each queue.",
            "Ends after Ctrl-C with status 0."
        })
final class TopCommand implements Callable<Integer> {
    private static final long SECOND = 1_000_000_000;

    @Parameters(paramLabel = "PATH", description = "The monitor's socket.")
    private Path path;

    @Option(names = "--count", paramLabel = "N", description = "End after N tables; 0, the default: never.")
    private int count;

    private final CommandContext context;

    TopCommand(CommandContext context) {
        this.context = context;
    }

    @Override
    public Integer call() throws IOException {
        try (MonitorClient monitor = MonitorClient.connect(path)) {
            TopTable before = TopTable.ask(monitor);
            for (int shown = 0; (count == 0 || shown < count) && !context.end().await(SECOND); shown++) {
                TopTable now = TopTable.ask(monitor);
                show(now.since(before));
                before = now;
            }
        } catch (CommandException e) {
            throw new IOException("the monitor refuses: " + e.getMessage(), e);
        }
        return 0;
    }

    private void show(String table) {
        String title = Ansi.AUTO.string("@|bold " + TopTable.TITLE + "|@");
        // Home, then what is left of the old table goes: a terminal scrolls no page a second.
        context.out().print(context.terminal() ? "\u001b[H\u001b[J" : "");
        context.out().println(title);
        context.out().println(table);
        context.out().flush();
    }
}
