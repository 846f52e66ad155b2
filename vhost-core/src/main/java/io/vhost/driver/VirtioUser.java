package io.vhost.driver;

import io.vhost.device.Feature;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.os.Descriptor;
import io.vhost.os.OsException;
import io.vhost.protocol.FrontendSession;
import io.vhost.state.RingViolation;
import java.io.IOException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Objects;
import java.util.Set;

/**
 * A network card whose other end is a vhost-user back-end: connects to the back-end's socket, or listens for
 * it, and exchanges packets with it through shared memory, as DPDK's virtio-user does.
 *
 * <p>Threads: see the package. Packets must come from {@link #pool}: their buffers lie in the shared memory.
 */
public final class VirtioUser implements AutoCloseable {
    private static final Set<PosixFilePermission> OWNER =
            Set.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE);

    private final BackEnds backEnds;
    private final SharedMemory memory;
    private final PacketPool pool;
    private final ReceiveQueue[] receive;
    private final TransmitQueue[] transmit;
    private final DriverSetup setup;
    private boolean started;
    private volatile boolean closed;

    /** A driver without a back-end. Owns {@code backEnds}, unless this throws. */
    VirtioUser(BackEnds backEnds, DriverConfig config) {
        this.backEnds = backEnds;
        long slab = PacketPool.slabSize(config.packets(), config.bufferSize());
        receive = new ReceiveQueue[config.queuePairs()];
        transmit = new TransmitQueue[config.queuePairs()];
        DriverQueue[] queues = new DriverQueue[queueCount()];
        memory = new SharedMemory(SharedMemory.areaSize(slab)
                + config.queuePairs()
                        * (2 * DriverQueue.ringBytes(config.queueSize())
                                + SharedMemory.areaSize(TransmitQueue.extraBytes(config.packets()))));
        try {
            pool = PacketPool.over(
                    memory.segment().asSlice(memory.carve(slab), slab),
                    config.packets(),
                    config.bufferSize(),
                    PacketPool.DEFAULT_HEADROOM);
            for (int i = 0; i < config.queuePairs(); i++) {
                receive[i] = new ReceiveQueue(memory, pool, config.queueSize(), config.receiveSize());
                queues[2 * i] = receive[i];
                transmit[i] = new TransmitQueue(memory, pool, config.queueSize());
                queues[2 * i + 1] = transmit[i];
            }
        } catch (RuntimeException | Error e) {
            releaseMemory();
            throw e;
        }
        setup = new DriverSetup(config, memory, queues);
    }

    /**
     * Connects to a back-end, negotiates features, shares memory and starts all queues.
     *
     * @param socket the back-end's socket
     * @param config what to ask for
     * @throws IOException when nobody listens, the back-end refuses, does not answer, or has fewer queue
     *     pairs, or memory and descriptors are short; nothing is left behind
     */
    public static VirtioUser connect(Path socket, DriverConfig config) throws IOException {
        return first(BackEnds.listeningAt(socket, config.timeout()), config);
    }

    /**
     * Listens for a back-end that connects, for those of this process's user and of root, and goes on as
     * {@link #connect} does with the first one.
     *
     * @param socket where to listen
     * @param config what to ask for
     * @throws IOException as for {@link #listen(Path, Set, DriverConfig)}
     */
    public static VirtioUser listen(Path socket, DriverConfig config) throws IOException {
        return listen(socket, OWNER, config);
    }

    /**
     * Listens for a back-end that connects, as Open vSwitch's {@code dpdkvhostuserclient} does, and goes on
     * as {@link #connect} does with the first one. A socket file that a dead process has left behind is
     * replaced. It stays until {@link #close}; one back-end is served at a time.
     *
     * @param socket where to listen; at most 107 bytes
     * @param permissions of the socket's file, as for {@link io.vhost.server.VhostServer#listen}
     * @param config what to ask for; none may come for longer than its time-out
     * @throws IOException when the path cannot be used, no back-end has connected in time, or for the reasons
     *     that {@link #connect} has; nothing is left behind
     */
    public static VirtioUser listen(Path socket, Set<PosixFilePermission> permissions, DriverConfig config)
            throws IOException {
        return first(BackEnds.connectingTo(socket, permissions, config.timeout()), config);
    }

    /** A driver with the first back-end. */
    private static VirtioUser first(BackEnds backEnds, DriverConfig config) throws IOException {
        VirtioUser driver = null;
        try {
            FrontendSession session = backEnds.next();
            try {
                driver = new VirtioUser(backEnds, config);
            } catch (RuntimeException | Error e) {
                session.close();
                throw e;
            }
            driver.setup.adopt(session);
            driver.start();
            return driver;
        } catch (OsException e) {
            abandon(backEnds, driver);
            throw new IOException(e.getMessage(), e);
        } catch (IOException | RuntimeException | Error e) {
            abandon(backEnds, driver);
            throw e;
        }
    }

    private static void abandon(BackEnds backEnds, VirtioUser driver) {
        if (driver == null) {
            backEnds.close();
        } else {
            driver.release();
        }
    }

    /**
     * Takes a back-end that has come in place of one that died: connects to it, or waits for it where this
     * side listens. The rings and the packets in them stay as they are. With in-flight tracking
     * ({@link DriverConfig#withInflight}) the new back-end goes on exactly where its predecessor was, else in
     * split rings at their used index. No burst may be under way.
     *
     * @throws IOException when there is none, or it has not all that was negotiated or refuses; this may be
     *     repeated
     * @throws IllegalStateException when the driver is stopped or closed, or has packed rings and no tracking
     */
    public void reconnect() throws IOException {
        requireStarted();
        if (setup.needsTracking()) {
            throw new IllegalStateException("a back-end cannot go on in packed rings without in-flight"
                    + " tracking: connect with DriverConfig.withInflight(), or call renew()");
        }
        setup.goOn(backEnds.next());
    }

    /**
     * Takes a back-end that has come in place of one that died, whatever it can do. It goes on in the rings
     * as with {@link #reconnect} if it can; where it has other features, or rings do not tell it where to
     * begin, or are broken or stopped, they begin anew. Then packets that the predecessor had brought are
     * kept for {@link #receiveBurst}, and those that it had not reported as sent, which it may have sent all
     * the same, go back into the pool and are counted as {@link #transmitAbandoned}. No burst may be under
     * way.
     *
     * @return whether the rings go on, with the packets in them and the same features
     * @throws IOException when there is none, or it refuses, or has fewer queue pairs; this may be repeated.
     *     Rings that were to begin anew are stopped then
     * @throws IllegalStateException after {@link #close}
     */
    public boolean renew() throws IOException {
        requireOpen();
        return renew(backEnds.next());
    }

    /** The same with a back-end to which nothing has been said; it is this object's from now on. */
    boolean renew(FrontendSession next) throws IOException {
        try {
            boolean goesOn = setup.renew(next, started && violation() == null, this::leaveRings);
            started = true;
            return goesOn;
        } finally {
            if (!started) {
                reclaimAll();
            }
        }
    }

    private void leaveRings() {
        started = false;
        for (int i = 0; i < queueCount(); i++) {
            queue(i).abandon();
        }
    }

    private void reclaimAll() {
        for (int i = 0; i < queueCount(); i++) {
            int _ = queue(i).reclaimAll();
        }
    }

    /**
     * Sets the rings up from scratch and starts them. Does nothing when started.
     *
     * @throws IOException when the back-end refuses, and then it is stopped as before, or is gone
     * @throws IllegalStateException after {@link #close}
     */
    public void start() throws IOException {
        requireOpen();
        if (started) {
            return;
        }
        try {
            setup.start();
        } catch (IOException | RuntimeException e) {
            try {
                setup.stopRings();
            } catch (IOException gone) {
                e.addSuppressed(gone);
            }
            throw e;
        }
        started = true;
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException("the driver is closed: connect anew");
        }
    }

    /**
     * Stops all rings and takes the packets back that the device had. Does nothing when stopped.
     *
     * @throws IOException when the back-end is gone or refuses; it may use packets still, so all that is left
     *     to do is {@link #close}
     */
    public void stop() throws IOException {
        if (!started) {
            return;
        }
        started = false;
        setup.disable();
        setup.stopRings();
    }

    /**
     * Sends packets. Those that are accepted belong to the driver, which puts them back into the pool when
     * the device has read them.
     *
     * @param pair queue pair, from 0
     * @param packets packets of {@link #pool}
     * @param offset index of the first
     * @param count how many
     * @return packets accepted, 0 to {@code count}: fewer when the ring is full
     * @throws IllegalArgumentException for a packet of another pool, or one that is empty, back in its pool,
     *     in flight already or twice in the burst; none of the burst is sent then
     * @throws NullPointerException when a packet is null; none of the burst is sent then
     */
    public int transmitBurst(int pair, Packet[] packets, int offset, int count) {
        Objects.checkFromIndexSize(offset, count, packets.length);
        requireStarted();
        return transmit[checked(pair)].transmit(packets, offset, count);
    }

    /**
     * Puts packets that the device has read back into the pool, as each {@link #transmitBurst} does first.
     */
    public void reclaim(int pair) {
        requireStarted();
        transmit[checked(pair)].reclaim();
    }

    /**
     * Takes packets that have arrived.
     *
     * @param pair queue pair, from 0
     * @param packets receives the packets, which are the caller's from then on
     * @param offset first index to fill
     * @param count most packets to take
     * @return packets taken, 0 to {@code count}
     */
    public int receiveBurst(int pair, Packet[] packets, int offset, int count) {
        Objects.checkFromIndexSize(offset, count, packets.length);
        requireStarted();
        return receive[checked(pair)].receive(packets, offset, count);
    }

    /**
     * Waits until packets may have arrived, without polling. Also {@link #wakeUp}, an interrupt of the
     * thread, which stays set, and the end of the back-end end the wait: ask {@link #isConnected} when there
     * is nothing to receive.
     *
     * @param pair queue pair, from 0
     * @param timeoutMillis how long at most, in milliseconds; below 0: without limit
     * @return false when the time was over
     */
    public boolean awaitPackets(int pair, int timeoutMillis) {
        requireStarted();
        return receive[checked(pair)].await(timeoutMillis, setup.connection());
    }

    /**
     * Waits until {@link #transmitBurst} may find room: after one that accepted less than it was given. Ends
     * as {@link #awaitPackets} does.
     *
     * @param pair queue pair, from 0
     * @param timeoutMillis how long at most, in milliseconds; below 0: without limit
     * @return false when the time was over
     */
    public boolean awaitRoom(int pair, int timeoutMillis) {
        requireStarted();
        TransmitQueue queue = transmit[checked(pair)];
        return queue.hasRoom() || queue.await(timeoutMillis, setup.connection());
    }

    /** Ends the waits in progress, or the next ones. Any thread; not beside {@link #close}. */
    public void wakeUp() {
        for (int i = 0; i < queueCount(); i++) {
            queue(i).wakeUp();
        }
    }

    private int checked(int pair) {
        if (pair < 0 || pair >= receive.length) {
            throw new IndexOutOfBoundsException(("pair=%d is not 0 to %d: DriverConfig.withQueues says how"
                    + " many queue pairs there are").formatted(pair, receive.length - 1));
        }
        return pair;
    }

    /**
     * Whether the back-end is there. Bursts do not notice when it goes: the rings lie in this process's
     * memory, so packets just stay where they are. {@link #close} then and connect anew, or go on with a
     * successor by {@link #renew} or {@link #reconnect}. {@link DriverPort} does all that by itself.
     *
     * <p>A system call: ask now and then, on the thread that stops and closes.
     */
    public boolean isConnected() {
        return !closed && setup.isConnected();
    }

    /** What becomes readable when the present back-end goes. */
    Descriptor connection() {
        return setup.connection();
    }

    /** Packets whose buffers the back-end can reach. */
    public PacketPool pool() {
        return pool;
    }

    /** The negotiated feature bits. */
    public long features() {
        return setup.features();
    }

    /** Whether {@code feature} was negotiated. */
    public boolean has(Feature feature) {
        return setup.has(feature);
    }

    /**
     * Received packets of a pair that were dropped: incomplete, or larger than a packet of the pool can be.
     */
    public long receiveDropped(int pair) {
        return receive[checked(pair)].dropped();
    }

    /**
     * Packets of a pair that were dropped instead of sent: the back-end does not take their segmentation, see
     * {@link #accepts}, or they ask for a checksum that is not in them.
     */
    public long transmitDropped(int pair) {
        return transmit[checked(pair)].dropped();
    }

    /**
     * Packets of a pair that back-ends which are gone had not reported as sent when the rings began anew, see
     * {@link #renew}. They may have been sent or not. Any thread.
     */
    public long transmitAbandoned(int pair) {
        return transmit[checked(pair)].abandoned();
    }

    /**
     * Whether the back-end takes a packet with the segmentation that it asks for. If not, cut it with
     * {@link io.vhost.net.Segmenter}: a burst drops it. Checksums that the back-end does not compute are
     * computed by {@link #transmitBurst}. Any thread.
     */
    public boolean accepts(Packet packet) {
        return TransmitQueue.segmentations(setup.features()).accept(packet.gsoType());
    }

    /** The first rule that the device broke in one of the rings, or null. */
    public RingViolation violation() {
        for (int i = 0; i < queueCount(); i++) {
            if (queue(i).violation() != null) {
                return queue(i).violation();
            }
        }
        return null;
    }

    /**
     * Stops and disconnects. Packets that the application still holds become unusable.
     *
     * <p>A back-end that is gone does not keep this from releasing everything.
     */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        try {
            stop();
        } catch (IOException e) {
            System.getLogger("io.vhost.driver")
                    .log(System.Logger.Level.DEBUG, "the back-end was gone before the rings were stopped", e);
        }
        release();
    }

    private void release() {
        closed = true;
        started = false;
        setup.close();
        backEnds.close();
        releaseMemory();
    }

    private void releaseMemory() {
        for (int i = 0; i < queueCount(); i++) {
            if (queue(i) != null) {
                queue(i).close();
            }
        }
        memory.close();
    }

    private int queueCount() {
        return 2 * receive.length;
    }

    /**
     * Ring {@code index} as virtio numbers them:
     * receive queues are even, transmit queues odd (virtio 1.2, 5.1.2).
     */
    DriverQueue queue(int index) {
        return (index & 1) == 0 ? receive[index / 2] : transmit[index / 2];
    }

    private void requireStarted() {
        if (!started) {
            throw new IllegalStateException(
                    closed ? "the driver is closed" : "the driver is stopped: call start() before bursts");
        }
    }
}
