package io.vhost.server;

import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.INFO;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.vhost.control.DeviceControl;
import io.vhost.device.DeviceListener;
import io.vhost.device.VhostConfig;
import io.vhost.device.VhostDevice;
import io.vhost.limit.account.ResourceAccount;
import io.vhost.limit.account.ServerAccount;
import io.vhost.os.EventFd;
import io.vhost.os.OsException;
import io.vhost.os.Poll;
import io.vhost.os.UnixSocket;
import io.vhost.protocol.BackendSession;
import io.vhost.protocol.WarningLimiter;
import io.vhost.state.QueueCounters.Counter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Connects to a front-end that listens on a Unix socket, and makes a device of it; connects again whenever
 * the connection ends, or while nobody listens: at first after {@value #FIRST_REST} ms, then less and less
 * often, but every {@value #LONGEST_REST} ms at least.
 *
 * <p>Thread: {@link #close} may be called on any thread, in any callback, and more than once. All callbacks
 * come from one thread, the client's.
 */
public final class VhostClient implements AutoCloseable {
    /** Rest before the first new attempt, in ms. */
    public static final int FIRST_REST = 50;
    /** Longest rest between attempts, in ms. */
    public static final int LONGEST_REST = 1000;

    /**
     * How long a front-end that listens and does not accept is waited for,
     * which {@link #close} cannot cut short.
     */
    private static final Duration CONNECT_LIMIT = Duration.ofMillis(FIRST_REST);

    private static final System.Logger LOGGER = System.getLogger(VhostClient.class.getPackageName());

    private final Path path;
    private final VhostConfig config;
    private final DeviceListener listener;
    /** A connection made or not, which a front-end can have us report again and again. */
    private final WarningLimiter news = new WarningLimiter(LOGGER);
    private final WarningLimiter sessionWarnings =
            new WarningLimiter(System.getLogger(BackendSession.class.getPackageName()));
    private final System.Logger deviceLog =
            new WarningLimiter(System.getLogger(VhostDevice.class.getPackageName()));
    private final EventFd wake = EventFd.create();
    private final AtomicBoolean closing = new AtomicBoolean();
    private final ServerAccount account = new ServerAccount(ResourceAccount.ofProcess(), () -> 0);
    private final QueueTotals totals;
    private final Object lock = new Object();
    private final Thread thread;
    private volatile DeviceControl control;    // null: there was no connection yet
    @GuardedBy("lock")
    private BackendSession session;
    @GuardedBy("lock")
    private boolean ended;

    private VhostClient(Path path, VhostConfig config, DeviceListener listener) {
        this.path = path;
        this.config = config;
        this.listener = listener;
        totals = new QueueTotals(2 * config.queuePairs());
        thread = Thread.ofPlatform().daemon().name(Threads.name(path, " client")).unstarted(this::run);
    }

    /**
     * Begins to connect, and returns at once.
     *
     * @param path where the front-end listens, now or later; at most 107 bytes
     * @param config what the device offers
     * @param listener told of devices and queues, on the client's thread
     */
    public static VhostClient connect(Path path, VhostConfig config, DeviceListener listener) {
        VhostClient client = new VhostClient(
                Objects.requireNonNull(path, "path"),
                Objects.requireNonNull(config, "config"),
                Objects.requireNonNull(listener, "listener"));
        client.account.open();
        try {
            client.thread.start();
        } catch (OutOfMemoryError noThread) {
            client.account.close();
            throw noThread;
        }
        return client;
    }

    /** Where the front-end listens. */
    public Path path() {
        return path;
    }

    /** Whether there is a connection at this moment. */
    public boolean isConnected() {
        synchronized (lock) {
            return session != null;
        }
    }

    /**
     * What the queues with one index have counted since the client began, over all its connections.
     *
     * @param queue index of the queues, 0 to twice the configured pairs - 1
     * @param counter which
     */
    public long counted(int queue, Counter counter) {
        return totals.get(queue, counter);
    }

    /**
     * Ends the connection with all its callbacks and connects no more. Returns when the client's thread has
     * ended; in a callback it does not wait. Elsewhere do not hold a lock that a callback or a burst takes.
     * A call of the kernel on what a front-end has sent is not waited for beyond a limit, as in
     * {@link VhostServer#close}.
     */
    @Override
    public void close() {
        closing.set(true);
        account.close();
        synchronized (lock) {
            if (session != null) {
                session.stop();
            }
            if (!ended) {
                wake.signal();
            }
        }
        Patience.of(config).join(thread, this::isInCallback);
    }

    private boolean isInCallback() {
        DeviceControl present = control;
        return present != null && present.isInCallback();
    }

    private void run() {
        Poll rest = new Poll(wake.descriptor());
        int restMillis = FIRST_REST;
        boolean told = false;
        try {
            while (!closing.get()) {
                String hindrance = connectAndServe();
                if (hindrance == null) {
                    restMillis = FIRST_REST;
                    told = false;
                } else if (!told) {
                    news.log(INFO, "(" + path + ") " + hindrance);
                    told = true;
                }
                rest.await(restMillis);
                restMillis = Math.min(2 * restMillis, LONGEST_REST);
            }
        } catch (RuntimeException | Error failure) {
            LOGGER.log(ERROR, "(" + path + ") no more attempts to connect", failure);
        } finally {
            synchronized (lock) {
                ended = true;
                wake.close();
            }
        }
    }

    /** {@return null after a connection has ended; else why there was none} */
    private String connectAndServe() {
        String refusal = account.takeConnection(config.limits());
        if (refusal != null) {
            return "not connected: " + refusal;
        }
        try {
            serve(UnixSocket.connect(path, CONNECT_LIMIT));
            return null;
        } catch (OsException nobody) {
            return "nobody to connect to yet: " + nobody.getMessage();
        } finally {
            account.giveConnection();
        }
    }

    /** One connection, from beginning to end. */
    private void serve(UnixSocket socket) {
        DeviceControl device;
        try {
            device = DeviceControl.create(
                    path.toString(), socket.peer(), account, config, listener, deviceLog);
        } catch (OsException failure) {
            socket.close();
            throw failure;
        }
        control = device;
        device.record().outgoing();
        totals.begin(device.device());
        BackendSession opened = new BackendSession(device.device().name(), socket, device, sessionWarnings);
        synchronized (lock) {
            session = opened;
            if (closing.get()) {
                opened.stop();
            }
        }
        try {
            opened.run();
        } finally {
            totals.end(device.device());
            synchronized (lock) {
                session = null;
            }
        }
    }
}
