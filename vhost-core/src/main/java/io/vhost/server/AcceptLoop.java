package io.vhost.server;

import static java.lang.System.Logger.Level.ERROR;

import io.vhost.os.EventFd;
import io.vhost.os.OsException;
import io.vhost.os.Poll;
import io.vhost.os.UnixListener;
import io.vhost.os.UnixSocket;
import io.vhost.protocol.WarningLimiter;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * The thread that accepts connections until it is told to stop.
 *
 * <p>When the process has no descriptors left, a waiting connection stays waiting and the socket readable:
 * after an error the loop rests on the wake-up descriptor alone before it tries again.
 */
final class AcceptLoop {
    /** Rest after an error, in ms. */
    static final int REST = 100;

    private static final System.Logger LOGGER = System.getLogger(AcceptLoop.class.getPackageName());

    private final UnixListener listener;
    private final Supplier<UnixSocket> accept;
    private final Consumer<UnixSocket> accepted;
    private final WarningLimiter warnings;
    private final EventFd wake = EventFd.create();
    private final Thread thread;
    private volatile boolean stopped;

    /**
     * A loop over {@code listener}, which it owns from now on. {@code accepted} owns the sockets that it is
     * given.
     */
    AcceptLoop(String name, UnixListener listener, Consumer<UnixSocket> accepted, WarningLimiter warnings) {
        this(name, listener, listener::accept, accepted, warnings);
    }

    AcceptLoop(String name, UnixListener listener, Supplier<UnixSocket> accept, Consumer<UnixSocket> accepted,
            WarningLimiter warnings) {
        this.listener = listener;
        this.accept = accept;
        this.accepted = accepted;
        this.warnings = warnings;
        thread = Thread.ofPlatform().daemon().name(name).unstarted(this::run);
    }

    void start() {
        thread.start();
    }

    /** Makes the thread end and waits for it; afterwards the socket file is gone. To be called once. */
    void stop() {
        stopped = true;
        wake.signal();
        join();
        wake.close();
    }

    /** Waits for the thread, except on it. */
    void join() {
        Threads.join(thread);
    }

    private void run() {
        try (listener) {
            Poll poll = new Poll(wake.descriptor(), listener.descriptor());
            while (!stopped) {
                poll.await(Poll.FOREVER);
                if (!stopped && poll.isReady(1)) {
                    acceptOne();
                }
            }
        } catch (RuntimeException | Error failure) {
            LOGGER.log(ERROR, "(" + listener.path() + ") no more connections are accepted", failure);
        }
    }

    private void acceptOne() {
        UnixSocket socket;
        try {
            socket = accept.get();
        } catch (OsException failure) {
            warnings.warn("(" + listener.path() + ") connection not accepted: " + failure.getMessage());
            rest();
            return;
        }
        try {
            accepted.accept(socket);
        } catch (RuntimeException | Error failure) {
            socket.close();
            warnings.log(ERROR, "(" + listener.path() + ") connection not served", failure);
            rest();
        }
    }

    /** What ran out is not there again at once; only the wake-up cuts the rest short. */
    private void rest() {
        new Poll(wake.descriptor()).await(REST);
    }
}
