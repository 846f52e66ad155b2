package io.vhost.server;

import static java.lang.System.Logger.Level.ERROR;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.vhost.limit.Limit;
import io.vhost.os.Descriptor;
import io.vhost.os.EventFd;
import io.vhost.os.OsException;
import io.vhost.os.Poll;
import io.vhost.os.UnixListener;
import io.vhost.os.UnixSocket;
import io.vhost.protocol.WarningLimiter;
import java.util.function.BiConsumer;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * The thread that accepts connections until it is told to stop, whatever goes wrong with one of them.
 *
 * <p>What a front-end that is turned away has sent can take long to close, so threads of the listener do that
 * ({@link UnixSocket#turnAway}); while too many of them are busy nobody is accepted.
 *
 * <p>When there are no descriptors left, a front-end that waits would wait for an answer, and keep the socket
 * readable. So one descriptor is kept spare: it is let go, the front-end accepted and turned away, and the
 * spare one taken again. Where that does not work, and after any other error, the loop rests on the wake-up
 * descriptor alone before it tries again.
 */
final class AcceptLoop {
    /** Rest after an error, in ms. */
    static final int REST = 100;

    private static final System.Logger LOGGER = System.getLogger(AcceptLoop.class.getPackageName());

    private final UnixListener listener;
    private final BooleanSupplier clogged;
    private final Supplier<UnixSocket> accept;
    private final Consumer<UnixSocket> accepted;
    private final BiConsumer<Limit, String> refused;
    private final WarningLimiter warnings;
    private final EventFd wake = EventFd.create();
    private final Poll rest = new Poll(wake.descriptor());
    private final Thread thread;
    private Descriptor spare;    // null while there was none to be had
    private volatile boolean stopped;
    private final Object lock = new Object();
    @GuardedBy("lock")
    private boolean ended;

    /**
     * A loop over {@code listener}, which it owns from now on. {@code accepted} owns the sockets that it is
     * given, {@code refused} is told why a front-end was turned away.
     */
    AcceptLoop(String name, UnixListener listener, Consumer<UnixSocket> accepted,
            BiConsumer<Limit, String> refused, WarningLimiter warnings) {
        this(name, listener, listener::isClogged, listener::accept, accepted, refused, warnings);
    }

    AcceptLoop(String name, UnixListener listener, BooleanSupplier clogged, Supplier<UnixSocket> accept,
            Consumer<UnixSocket> accepted, BiConsumer<Limit, String> refused, WarningLimiter warnings) {
        this.listener = listener;
        this.clogged = clogged;
        this.accept = accept;
        this.accepted = accepted;
        this.refused = refused;
        this.warnings = warnings;
        thread = Thread.ofPlatform().daemon().name(name).unstarted(this::run);
    }

    void start() {
        thread.start();
    }

    /** Makes the thread end soon; then the socket file is gone. To be called once, {@link #join} waits. */
    void stop() {
        stopped = true;
        synchronized (lock) {
            if (!ended) {
                wake.signal();
            }
        }
    }

    /** Waits for the thread, except on it. */
    void join(Patience patience) {
        patience.join(thread);
    }

    private void run() {
        try (listener) {
            Poll poll = new Poll(wake.descriptor(), listener.descriptor());
            takeSpare();
            while (!stopped) {
                try {
                    poll.await(Poll.FOREVER);
                    if (!stopped && poll.isReady(1)) {
                        acceptOneUnlessClogged();
                    }
                } catch (RuntimeException | Error failure) {
                    warnings.log(ERROR, "(" + listener.path() + ") connection not accepted", failure);
                    rest.await(REST);
                }
            }
        } catch (RuntimeException | Error failure) {
            LOGGER.log(ERROR, "(" + listener.path() + ") no more connections are accepted", failure);
        } finally {
            dropSpare();
            synchronized (lock) {
                ended = true;
                wake.close();
            }
        }
    }

    /** Each that is turned away needs a thread that closes it; who waits to be accepted needs none. */
    private void acceptOneUnlessClogged() {
        if (clogged.getAsBoolean()) {
            warnings.warn("(" + listener.path() + ") no connection accepted: what earlier ones sent is still"
                    + " being closed, which takes as long as its senders like");
            rest.await(REST);
        } else {
            acceptOne();
        }
    }

    private void acceptOne() {
        UnixSocket socket;
        try {
            socket = accept.get();
        } catch (OsException failure) {
            if (!failure.isOutOfDescriptors() || !turnAway(failure)) {
                warnings.warn("(" + listener.path() + ") connection not accepted: " + failure.getMessage());
                // What ran out is not there again at once; only the wake-up cuts the rest short.
                rest.await(REST);
            }
            return;
        }
        try {
            accepted.accept(socket);
        } catch (RuntimeException | Error failure) {
            socket.turnAway();
            warnings.log(ERROR, "(" + listener.path() + ") connection not served", failure);
            rest.await(REST);
        }
    }

    /** {@return whether the front-end that waits was accepted, with the spare descriptor, and closed} */
    private boolean turnAway(OsException cause) {
        if (spare == null) {
            takeSpare();
            return false;
        }
        dropSpare();
        try {
            accept.get().turnAway();
            refused.accept(Limit.OPEN_FILES, cause.getMessage());
            return true;
        } catch (OsException again) {
            return false;    // another thread was quicker
        } finally {
            takeSpare();
        }
    }

    private void takeSpare() {
        try {
            spare = wake.descriptor().duplicate();
        } catch (OsException none) {
            spare = null;    // tried again when it is needed
        }
    }

    private void dropSpare() {
        if (spare != null) {
            spare.close();
            spare = null;
        }
    }
}
