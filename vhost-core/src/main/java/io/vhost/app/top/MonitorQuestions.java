package io.vhost.app.top;

import io.vhost.app.cli.Background;
import io.vhost.app.cli.EndSignal;
import io.vhost.monitor.MonitorClient;
import io.vhost.monitor.command.CommandException;
import io.vhost.os.Errno;
import io.vhost.os.OsException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;

/**
 * Asks a monitor without waiting for it: a program that is stopped, or no monitor at all, holds up nobody but
 * a thread of the question. Thread: one.
 */
final class MonitorQuestions implements AutoCloseable {
    private static final String THREAD = "vhost-top";

    private final Path path;
    private final CompletableFuture<MonitorClient> connection;
    private CompletableFuture<?> last;

    /** Begins to connect to the monitor at {@code path}. */
    MonitorQuestions(Path path) {
        this.path = path;
        connection = Background.start(THREAD, () -> MonitorClient.connect(path));
        last = connection;
    }

    /**
     * Waits until the monitor has greeted.
     *
     * @param end of the wait
     * @param seconds longest wait
     * @return false if the end came first
     * @throws Exception if nobody listens there, or what does is no monitor
     */
    boolean connect(EndSignal end, long seconds) throws Exception {
        if (end.await(connection, seconds * 1_000_000_000)) {
            MonitorClient _ = Background.result(connection);
            return true;
        }
        if (end.isRaised()) {
            return false;
        }
        throw new IOException("who listens at " + path + " has not greeted within " + seconds
                + " s as a monitor does: PATH must be what a running program has after --monitor, not after"
                + " --socket-path; a monitor whose program is stopped does not greet either");
    }

    /** Asks for the counters; an answer that is an error is an {@link IOException} for users. */
    CompletableFuture<TopTable> ask() {
        MonitorClient client = connection.join();
        CompletableFuture<TopTable> answer = Background.start(THREAD, () -> answer(client));
        last = answer;
        return answer;
    }

    private TopTable answer(MonitorClient client) throws IOException {
        try {
            return TopTable.ask(client);
        } catch (CommandException e) {
            throw new IOException("the monitor at " + path + " refuses: " + e.getMessage(), e);
        } catch (IOException e) {
            throw isEnd(e) ? new IOException("the monitor at " + path + " has ended", e) : e;
        }
    }

    private static boolean isEnd(IOException failure) {
        return failure.getCause() == null || (failure.getCause() instanceof OsException call
                && (call.errno() == Errno.EPIPE || call.errno() == Errno.ECONNRESET));
    }

    /** Closes the connection once the last question is answered; nobody waits for that. */
    @Override
    public void close() {
        CompletableFuture<Void> _ = last.handle((_, _) -> null)
                .thenCombine(connection, (_, client) -> client).thenAccept(MonitorClient::close);
    }
}
