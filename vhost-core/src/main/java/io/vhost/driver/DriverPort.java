package io.vhost.driver;

import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.vhost.device.Feature;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.os.Descriptor;
import io.vhost.os.EventFd;
import io.vhost.os.OsException;
import io.vhost.os.Poll;
import io.vhost.protocol.FrontendSession;
import io.vhost.protocol.WarningLimiter;
import java.io.IOException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A {@link VirtioUser} whose back-ends may go and come: connects to a back-end, or listens for one, and does
 * so again whenever there is none. Its pool and its packets stay. Attempts to connect rest for
 * {@value #FIRST_REST} ms at first, then longer and longer, but {@value #LONGEST_REST} ms at most.
 *
 * <p>While no back-end is there bursts move nothing. What was in the rings when one went is treated as
 * {@link VirtioUser#renew} has it. A back-end that is refused, because it has fewer queue pairs for instance,
 * is logged once with the reason, and tried again. One that breaks a rule of the rings is left.
 *
 * <p>Threads: one at a time for each direction of a pair; connections are the port's own thread's business.
 * Each burst takes a lock of that direction, which is held by another only for a moment while a back-end
 * comes or goes.
 */
public final class DriverPort implements AutoCloseable {
    /** Rest before the first new attempt, in ms. */
    public static final int FIRST_REST = 50;
    /** Longest rest between attempts, in ms. */
    public static final int LONGEST_REST = 1000;

    /** How soon rings that a back-end has broken are noticed, in ms. */
    private static final int LOOK = 500;

    private static final WarningLimiter NEWS =
            new WarningLimiter(System.getLogger(DriverPort.class.getPackageName()));

    private final BackEnds backEnds;
    private final VirtioUser driver;
    private final DriverListener listener;
    private final EventFd wake;
    private final Poll rest;
    private final Thread thread;
    private final AtomicBoolean closing = new AtomicBoolean();
    private final Object endLock = new Object();
    /** One for each queue, under its number in virtio. */
    private final ReentrantLock[] locks;
    /** Changed with all locks held; while it is false the port's thread alone has the driver. */
    private volatile boolean connected;

    @GuardedBy("endLock")
    private boolean ended;

    /** Why there is no back-end, as it was logged last. */
    private String told;

    private DriverPort(BackEnds backEnds, DriverConfig config, DriverListener listener) {
        this.backEnds = backEnds;
        this.listener = listener;
        wake = EventFd.create();
        try {
            driver = new VirtioUser(backEnds, config);
        } catch (RuntimeException | Error e) {
            wake.close();
            throw e;
        }
        rest = backEnds.arrival() == null ? new Poll(wake.descriptor())
                : new Poll(wake.descriptor(), backEnds.arrival());
        locks = new ReentrantLock[2 * config.queuePairs()];
        for (int i = 0; i < locks.length; i++) {
            locks[i] = new ReentrantLock();
        }
        thread = Thread.ofPlatform().daemon().name("driver " + backEnds.path()).unstarted(this::run);
    }

    /**
     * Begins to connect to back-ends that listen, and returns at once.
     *
     * @param socket where they listen, now or later; at most 107 bytes
     * @param config what to ask for; its time-out bounds {@link #close}, too
     * @param listener told of back-ends that come and go
     * @throws IOException when memory or descriptors are short
     */
    public static DriverPort connect(Path socket, DriverConfig config, DriverListener listener)
            throws IOException {
        return open(BackEnds.listeningAt(socket, config.timeout()), config, listener);
    }

    /**
     * Begins to listen for back-ends, and returns at once. A socket file that a dead process has left behind
     * is replaced. One back-end is served at a time: another that connects meanwhile waits.
     *
     * @param socket where to listen; at most 107 bytes
     * @param permissions of the socket's file, as for {@link io.vhost.server.VhostServer#listen}
     * @param config what to ask for; its time-out bounds {@link #close}, too
     * @param listener told of back-ends that come and go
     * @throws IOException when the path cannot be used; the text names path, reason and remedy; or when
     *     memory or descriptors are short
     */
    public static DriverPort listen(Path socket, Set<PosixFilePermission> permissions, DriverConfig config,
            DriverListener listener) throws IOException {
        return open(BackEnds.connectingTo(socket, permissions, config.timeout()), config, listener);
    }

    private static DriverPort open(BackEnds backEnds, DriverConfig config, DriverListener listener)
            throws IOException {
        boolean complete = false;
        try {
            DriverPort port = new DriverPort(backEnds, config, Objects.requireNonNull(listener, "listener"));
            port.start();
            complete = true;
            return port;
        } catch (OsException e) {
            throw new IOException(e.getMessage(), e);
        } finally {
            if (!complete) {
                backEnds.close();
            }
        }
    }

    private void start() {
        try {
            thread.start();
        } catch (OutOfMemoryError noThread) {
            end();
            throw noThread;
        }
    }

    /** Where the back-end listens, or this port does. */
    public Path path() {
        return backEnds.path();
    }

    /** Packets whose buffers back-ends can reach; the same for all of them. */
    public PacketPool pool() {
        return driver.pool();
    }

    /** Whether a back-end is there, as far as is known. Any thread, no system call. */
    public boolean isConnected() {
        return connected;
    }

    /** Whether {@code feature} was negotiated with the present back-end, or the last one. Any thread. */
    public boolean has(Feature feature) {
        return driver.has(feature);
    }

    /** As {@link VirtioUser#accepts}. The next back-end may not: then a burst drops the packet. */
    public boolean accepts(Packet packet) {
        return driver.accepts(packet);
    }

    /** As {@link VirtioUser#transmitDropped}. */
    public long transmitDropped(int pair) {
        return driver.transmitDropped(pair);
    }

    /** As {@link VirtioUser#transmitAbandoned}. */
    public long transmitAbandoned(int pair) {
        return driver.transmitAbandoned(pair);
    }

    /** As {@link VirtioUser#receiveDropped}. */
    public long receiveDropped(int pair) {
        return driver.receiveDropped(pair);
    }

    /**
     * Sends packets as {@link VirtioUser#transmitBurst} does.
     *
     * @return packets accepted, 0 to {@code count}; 0 while no back-end is there
     */
    public int transmitBurst(int pair, Packet[] packets, int offset, int count) {
        ReentrantLock lock = lock(2 * pair + 1);
        lock.lock();
        try {
            return connected ? driver.transmitBurst(pair, packets, offset, count) : 0;
        } finally {
            lock.unlock();
        }
    }

    /** Puts packets that a back-end has read back into the pool, as each {@link #transmitBurst} does. */
    public void reclaim(int pair) {
        ReentrantLock lock = lock(2 * pair + 1);
        lock.lock();
        try {
            if (connected) {
                driver.reclaim(pair);
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Takes packets that have arrived, as {@link VirtioUser#receiveBurst} does.
     *
     * @return packets taken, 0 to {@code count}; 0 while no back-end is there
     */
    public int receiveBurst(int pair, Packet[] packets, int offset, int count) {
        ReentrantLock lock = lock(2 * pair);
        lock.lock();
        try {
            return connected ? driver.receiveBurst(pair, packets, offset, count) : 0;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Number of the eventfd by which back-ends tell of received packets: for those who wait for other things
     * as well, such as a {@link io.vhost.device.QueueWaiter}. It stays the same, and the port's, until
     * {@link #close}. Tell it with {@link #arm} before each wait.
     */
    public int interruptFd(int pair) {
        return driver.queue(2 * checked(pair)).call.descriptor().fd();
    }

    /**
     * Asks the back-end for an interrupt when packets come.
     *
     * @return true when some have come already: receive them instead of waiting
     */
    public boolean arm(int pair) {
        ReentrantLock lock = lock(2 * pair);
        lock.lock();
        try {
            return connected && driver.queue(2 * pair).arm();
        } finally {
            lock.unlock();
        }
    }

    /** After a wait: takes the interrupts that have come, and asks for no more. */
    public void disarm(int pair) {
        ReentrantLock lock = lock(2 * pair);
        lock.lock();
        try {
            if (connected) {
                driver.queue(2 * pair).disarm();
            }
        } finally {
            lock.unlock();
        }
    }

    private int checked(int pair) {
        return Objects.checkIndex(pair, locks.length / 2);
    }

    private ReentrantLock lock(int queue) {
        return locks[Objects.checkIndex(queue, locks.length)];
    }

    private void connected(boolean now) {
        for (ReentrantLock lock : locks) {
            lock.lock();
        }
        try {
            connected = now;
        } finally {
            for (ReentrantLock lock : locks) {
                lock.unlock();
            }
        }
    }

    private void run() {
        try {
            keepConnected();
        } catch (RuntimeException | Error failure) {
            NEWS.log(ERROR, "(" + path() + ") no more attempts to find a back-end", failure);
        } finally {
            if (connected) {
                disconnect();
            }
            end();
        }
    }

    private void keepConnected() {
        int restMillis = FIRST_REST;
        while (!closing.get()) {
            if ((backEnds.arrival() == null || arrives()) && renew()) {
                told = null;
                listener.connected(this);
                awaitEnd();
                disconnect();
                restMillis = FIRST_REST;
            }
            if (!closing.get()) {
                int _ = new Poll(wake.descriptor()).await(restMillis);
                restMillis = Math.min(2 * restMillis, LONGEST_REST);
            }
        }
    }

    /** Waits for a back-end that connects, or for the end. */
    private boolean arrives() {
        int _ = rest.await(Poll.FOREVER);
        return !closing.get() && rest.isReady(1);
    }

    /** Whether packets pass now. */
    private boolean renew() {
        FrontendSession next;
        try {
            next = backEnds.next();
        } catch (IOException nobody) {
            tell(INFO, "no back-end yet: " + nobody.getMessage());
            return false;
        }
        try {
            long before = driver.features();
            boolean goesOn = driver.renew(next);
            connected(true);
            NEWS.log(INFO, "(" + path() + ") back-end connected: " + (goesOn ? "the rings go on"
                    : "new rings, features " + changes(before, driver.features())));
            return true;
        } catch (IOException refusal) {
            tell(WARNING, "back-end not used: " + refusal.getMessage());
            return false;
        }
    }

    /** The same text is told once. */
    private void tell(System.Logger.Level level, String text) {
        if (!text.equals(told)) {
            told = text;
            NEWS.log(level, "(" + path() + ") " + text);
        }
    }

    private static String changes(long before, long now) {
        return before == 0 || before == now ? "0x" + Long.toHexString(now)
                : "0x%x, gone are %s, new are %s".formatted(
                        now, Feature.named(before & ~now), Feature.named(now & ~before));
    }

    /** Returns when the back-end has gone, or shall be left. */
    private void awaitEnd() {
        Descriptor connection = driver.connection();
        Poll poll = new Poll(wake.descriptor(), connection);
        while (!closing.get() && poll.await(LOOK) == 0) {
            if (driver.violation() != null) {
                NEWS.log(WARNING, "(" + path() + ") the back-end is left, it has broken a rule of the rings: "
                        + driver.violation());
                return;
            }
        }
    }

    private void disconnect() {
        connected(false);
        for (int i = 0; i < locks.length; i += 2) {
            // Nobody waits for packets now, and an interrupt that is left would end every wait.
            long _ = driver.queue(i).call.drain();
        }
        if (!closing.get()) {
            NEWS.log(WARNING, "(" + path() + ") the back-end is gone: waiting for one in its place");
        }
        listener.disconnected(this);
    }

    private void end() {
        synchronized (endLock) {
            ended = true;
            wake.close();
        }
        driver.close();
    }

    /**
     * Leaves the back-end and looks for no more. Packets that the application still holds become unusable.
     * Waits for the port's thread, which may wait for an answer of a back-end, except on that thread.
     */
    @Override
    public void close() {
        closing.set(true);
        synchronized (endLock) {
            if (!ended) {
                wake.signal();
            }
        }
        boolean interrupted = false;
        while (thread.isAlive() && !Thread.currentThread().equals(thread)) {
            try {
                thread.join();
            } catch (InterruptedException _) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
