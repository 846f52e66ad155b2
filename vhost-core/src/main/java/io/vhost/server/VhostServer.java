package io.vhost.server;

import static java.lang.System.Logger.Level.INFO;

import io.vhost.control.DeviceControl;
import io.vhost.device.DeviceListener;
import io.vhost.device.VhostConfig;
import io.vhost.device.VhostDevice;
import io.vhost.limit.Limit;
import io.vhost.limit.ResourceUsage;
import io.vhost.limit.account.ResourceAccount;
import io.vhost.limit.account.ServerAccount;
import io.vhost.os.Descriptor;
import io.vhost.os.InheritedSocket;
import io.vhost.os.OsException;
import io.vhost.os.UnixListener;
import io.vhost.os.UnixSocket;
import io.vhost.protocol.BackendSession;
import io.vhost.protocol.WarningLimiter;
import io.vhost.state.QueueCounters.Counter;
import java.io.IOException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntSupplier;

/**
 * Listens on a Unix socket and makes a device of each front-end that connects, at once or one after another.
 *
 * <p>Thread: all methods may be called on any thread, in any callback, and more than once. Memory
 * synchronization: what happened before {@link #listen} is visible in every callback, and every callback of
 * the server's devices happens before the return of a {@link #close} that waits.
 */
public final class VhostServer implements AutoCloseable {
    private static final System.Logger LOGGER = System.getLogger(VhostServer.class.getPackageName());

    private static final Set<PosixFilePermission> OWNER =
            Set.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE);

    private final Path path;
    private final VhostConfig config;
    private final DeviceListener listener;
    private final AcceptLoop acceptLoop;    // null: there is one front-end, which was there from the start
    private final ServerAccount account;
    private final WarningLimiter warnings = new WarningLimiter(LOGGER);
    private final WarningLimiter sessionWarnings =
            new WarningLimiter(System.getLogger(BackendSession.class.getPackageName()));
    private final System.Logger deviceLog =
            new WarningLimiter(System.getLogger(VhostDevice.class.getPackageName()));
    private final AtomicBoolean closing = new AtomicBoolean();
    private final AtomicLong refusedConnections = new AtomicLong();
    private final QueueTotals totals;
    /** Waits for a moment for what is closed on threads of its own. */
    private final Runnable settled;
    private final Set<Connection> connections = ConcurrentHashMap.newKeySet();
    /** Threads of connections that have ended or are about to. */
    private final Queue<Thread> ending = new ConcurrentLinkedQueue<>();

    /** A server of {@code socket}, or of one connection without it, whose {@code arrivals} are open. */
    private VhostServer(Path path, VhostConfig config, DeviceListener listener, UnixListener socket,
            IntSupplier arrivals, Runnable settled) {
        this.path = path;
        this.config = config;
        this.listener = listener;
        this.settled = settled;
        account = new ServerAccount(ResourceAccount.ofProcess(), arrivals);
        totals = new QueueTotals(2 * config.queuePairs());
        acceptLoop = socket == null ? null
                : new AcceptLoop(
                        Threads.name(path, " accept"), socket, this::accepted, this::refused, warnings);
    }

    /**
     * Begins to listen, for front-ends of this process's user and of root.
     *
     * @param path as for {@link #listen(Path, Set, VhostConfig, DeviceListener)}
     * @param config what each device offers
     * @param listener told of devices and queues, on the connections' threads
     * @throws IOException if the path cannot be used; the text names path, reason and remedy
     */
    public static VhostServer listen(Path path, VhostConfig config, DeviceListener listener)
            throws IOException {
        return listen(path, OWNER, config, listener);
    }

    /**
     * Begins to listen. A socket file that a dead process has left behind is replaced.
     *
     * <p>Whoever may write to the file may connect, so a virtual machine that runs as another user of this
     * process's group needs {@link PosixFilePermission#GROUP_WRITE}. The umask has no influence.
     *
     * @param path where the socket is created; at most 107 bytes
     * @param permissions of the socket's file
     * @param config what each device offers
     * @param listener told of devices and queues, on the connections' threads
     * @throws IOException if the path cannot be used; the text names path, reason and remedy
     */
    public static VhostServer listen(
            Path path, Set<PosixFilePermission> permissions, VhostConfig config, DeviceListener listener)
            throws IOException {
        Objects.requireNonNull(path, "path");
        Objects.requireNonNull(config, "config");
        Objects.requireNonNull(listener, "listener");
        try {
            UnixListener socket = UnixListener.bind(path, permissions);
            try {
                VhostServer server = new VhostServer(
                        path, config, listener, socket, socket::openArrivals, socket::settle);
                server.begin();
                LOGGER.log(INFO, "({0}) listening", path);
                return server;
            } catch (RuntimeException | Error failure) {
                socket.close();
                throw failure;
            }
        } catch (OsException failure) {
            throw new IOException(failure.getMessage(), failure);
        }
    }

    /**
     * Serves a socket that this process was started with: one that listens, to which front-ends connect as
     * with {@link #listen}, or one that is connected to its only front-end already.
     *
     * @param fd number of the descriptor, which is this server's from now on
     * @param config what each device offers
     * @param listener told of devices and queues, on the connections' threads
     * @throws IOException if this is not an open Unix stream socket
     */
    public static VhostServer inherit(int fd, VhostConfig config, DeviceListener listener)
            throws IOException {
        Objects.requireNonNull(config, "config");
        Objects.requireNonNull(listener, "listener");
        try {
            Descriptor socket = InheritedSocket.take(fd);
            Path path = Path.of("/proc/self/fd/" + fd);
            if (InheritedSocket.isListening(socket)) {
                UnixListener listening = UnixListener.adopt(socket);
                VhostServer server =
                        new VhostServer(path, config, listener, listening,
                                listening::openArrivals, listening::settle);
                server.begin();
                return server;
            }
            UnixSocket connected = UnixSocket.adopt(socket);
            VhostServer server = new VhostServer(
                    path, config, listener, null, connected::openArrivals, connected::settle);
            server.accepted(connected);
            return server;
        } catch (OsException failure) {
            throw new IOException(failure.getMessage(), failure);
        }
    }

    private void begin() {
        account.open();
        try {
            acceptLoop.start();
        } catch (OutOfMemoryError noThread) {
            account.close();
            throw noThread;
        }
    }

    /** Whether further front-ends may connect; false only for an inherited connection. */
    public boolean isListening() {
        return acceptLoop != null && !closing.get();
    }

    /** Where the server listens; for an inherited socket its place in {@code /proc}. */
    public Path path() {
        return path;
    }

    /** Number of front-ends connected at this moment. */
    public int connectionCount() {
        return connections.size();
    }

    /**
     * Number of front-ends that connected and were turned away so far, because a limit was reached or the
     * system had no descriptor or thread left. {@link #resourceUsage} says which.
     */
    public long refusedConnections() {
        return refusedConnections.get();
    }

    /**
     * What front-ends have taken of this process, all servers and clients together, and how often each limit
     * was the reason of a refusal. Any thread, without locks.
     */
    public static ResourceUsage resourceUsage() {
        return ResourceAccount.ofProcess().usage();
    }

    /**
     * What the queues with one index have counted since the server began, those of front-ends that are gone
     * included.
     *
     * @param queue index of the queues, 0 to twice the configured pairs - 1
     * @param counter which
     */
    public long counted(int queue, Counter counter) {
        return totals.get(queue, counter);
    }

    /**
     * Ends the server: no more connections, the socket file is removed, every connection is closed with all
     * its callbacks. Returns when the last thread of the server has ended.
     *
     * <p>On the thread of a connection, that is in a callback, it does not wait for connections: they end
     * soon, this one when the callback has returned. Elsewhere do not hold a lock that a callback or a burst
     * takes. An interrupt does not cut the wait short and stays set. A second call has no effect but to wait
     * as well.
     *
     * <p>One thing is not waited for beyond three seconds and twice {@link VhostConfig#copyTimeout}, all in
     * all, and logged: calls of the kernel on what front-ends have sent, as the close of a socket that
     * lingers, which take as long as the front-end likes. By then callbacks of such a connection have been
     * made, or may not be made at all.
     */
    @Override
    public void close() {
        Patience patience = Patience.of(config);
        if (closing.compareAndSet(false, true)) {
            LOGGER.log(INFO, "({0}) closing", path);
            if (acceptLoop != null) {
                acceptLoop.stop();
            }
        }
        if (acceptLoop != null) {
            acceptLoop.join(patience);
        }
        account.close();
        // Nothing is added any more, so this is everyone who has not ended by himself.
        List<Connection> left = List.copyOf(connections);
        left.forEach(Connection::stop);
        if (!Connection.onConnectionThread()) {
            left.forEach(connection -> connection.join(patience));
            ending.forEach(patience::join);
            settled.run();
        }
    }

    /**
     * Takes over an accepted socket; accept thread. One that is over a limit is closed at once: left to wait
     * it would keep its front-end waiting for an answer, and the front-end does not see why.
     */
    private void accepted(UnixSocket socket) {
        if (closing.get()) {
            socket.turnAway();
            return;
        }
        String refusal = account.takeConnection(config.limits());
        if (refusal != null) {
            refused(refusal);
            socket.turnAway();
            return;
        }
        Connection connection;
        try {
            connection = connection(socket);
        } catch (RuntimeException | Error failure) {
            account.giveConnection();
            throw failure;
        }
        ending.removeIf(thread -> !thread.isAlive());
        connections.add(connection);
        totals.begin(connection.device());
        try {
            connection.start();
        } catch (OutOfMemoryError noThread) {
            connections.remove(connection);
            totals.end(connection.device());
            account.giveConnection();
            refused(Limit.THREADS, noThread.getMessage());
            socket.turnAway();
        }
    }

    private Connection connection(UnixSocket socket) {
        DeviceControl control =
                DeviceControl.create(path.toString(), socket.peer(), account, config, listener, deviceLog);
        VhostDevice device = control.device();
        BackendSession session = new BackendSession(device.name(), socket, control, sessionWarnings);
        String name = Threads.name(path, "#" + device.frontEnd().id());
        return new Connection(name, session, control, this::ended);
    }

    /** A front-end was turned away because the system had nothing left. */
    private void refused(Limit limit, String reason) {
        account.refused(limit);
        refused(reason);
    }

    /** A front-end was turned away. */
    private void refused(String reason) {
        refusedConnections.getAndIncrement();
        warnings.warn("(" + path + ") connection refused: " + reason);
    }

    /** The last act of a connection's thread, which {@link #close} finds in one of the two places. */
    private void ended(Connection connection) {
        totals.end(connection.device());
        ending.add(connection.thread());
        account.giveConnection();
        connections.remove(connection);
    }
}
