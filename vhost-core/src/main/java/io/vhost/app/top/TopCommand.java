package io.vhost.app.top;

import io.vhost.app.cli.Background;
import io.vhost.app.cli.CommandContext;
import io.vhost.app.cli.Version;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import org.jline.terminal.Terminal;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** The command {@code top}. Thread: the main thread. */
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
            "On a terminal it has the whole of it, and q or Ctrl-C ends it. Elsewhere, and on a terminal"
                + " without a size or of a type (TERM) that is dumb or unknown, tables follow each other.",
            "Exit status: 0 after q, Ctrl-C, SIGTERM or N tables; 1 if there is no monitor, or it has ended."
        })
public final class TopCommand implements Callable<Integer> {
    private static final long SECOND = 1_000_000_000;
    /** For how long who listens may leave us without a greeting, in s: a machine may be busy. */
    private static final int GREETING = 20;
    /** After how long a user is told that there is no answer, in s. */
    private static final int SILENCE = 3;

    @Parameters(paramLabel = "PATH", description = "The monitor's socket.")
    private Path path;

    @Option(names = "--count", paramLabel = "N", description = "End after N tables; 0, the default: never.")
    private int count;

    @Option(names = "--json",
            description = "Write each table as one line of JSON, with all counters, wherever output goes.")
    private boolean json;

    @Spec
    private CommandSpec spec;

    private final CommandContext context;

    /** The command, to be added to a command line. */
    public TopCommand(CommandContext context) {
        this.context = context;
    }

    @Override
    public Integer call() throws Exception {
        if (count < 0) {
            throw new ParameterException(spec.commandLine(), "--count must not be negative");
        }
        try (MonitorQuestions monitor = new MonitorQuestions(path)) {
            if (monitor.connect(context.end(), GREETING)) {
                try (TopView view = view()) {
                    show(monitor, view);
                }
            }
        }
        return 0;
    }

    /** The whole terminal, or lines if output goes elsewhere or to one that can only print these. */
    private TopView view() {
        if (json) {
            return new TopJson(context, spec.commandLine().getErr());
        }
        try {
            Optional<Terminal> terminal = context.terminal() ? SystemTerminal.open() : Optional.empty();
            return terminal.isPresent() ? new TopScreen(terminal.get()) : new TopLines(context);
        } catch (IOException e) {
            spec.commandLine().getErr().println("vhost: " + e.getMessage() + "; tables follow each other");
            return new TopLines(context);
        }
    }

    /** Shows a table every second until there were enough of them or the user has seen enough. */
    private void show(MonitorQuestions monitor, TopView view) throws Exception {
        TopTable before = null;
        int shown = 0;
        while (isWanted(shown)) {
            long asked = System.nanoTime();
            CompletableFuture<TopTable> answer = monitor.ask();
            if (isOverBeforeAnswer(view, answer, asked)) {
                return;
            }
            TopTable now = Background.result(answer);
            if (before != null) {
                view.show(now.title(), json ? List.of(now.json(before)) : now.since(before));
                shown++;
            }
            before = now;
            while (isWanted(shown) && System.nanoTime() - asked < SECOND) {
                if (isOver(view)) {
                    return;
                }
            }
        }
    }

    private boolean isWanted(int shown) {
        return count == 0 || shown < count;
    }

    /** Waits for an answer; whether the user has seen enough before it came. */
    private boolean isOverBeforeAnswer(TopView view, CompletableFuture<TopTable> answer, long asked)
            throws IOException {
        boolean told = false;
        while (!answer.isDone()) {
            if (isOver(view)) {
                return true;
            }
            if (!told && System.nanoTime() - asked > SILENCE * SECOND) {
                view.note("the monitor at " + path + " has not answered for " + SILENCE + " s");
                told = true;
            }
        }
        return false;
    }

    private boolean isOver(TopView view) throws IOException {
        return view.isEndWanted() || context.end().isRaised();
    }
}
