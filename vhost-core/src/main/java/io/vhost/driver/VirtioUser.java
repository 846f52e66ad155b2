package io.vhost.driver;

import io.vhost.device.Feature;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.os.OsException;
import io.vhost.protocol.FrontendSession;
import io.vhost.ring.RingAddresses;
import io.vhost.ring.RingFormat;
import io.vhost.state.RingViolation;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

/**
 * A network card whose other end is a vhost-user back-end: connects to the back-end's socket and exchanges
 * packets with it through shared memory, as DPDK's virtio-user does.
 *
 * <p>Threads: see the package. Packets must come from {@link #pool}: their buffers lie in the shared memory.
 */
public final class VirtioUser implements AutoCloseable {
    /** ACKNOWLEDGE, DRIVER and FEATURES_OK (virtio 1.2, 2.1). */
    private static final int NEGOTIATED = 1 | 2 | 8;
    private static final int DRIVER_OK = 4;

    private final Path socket;
    private final DriverConfig config;
    private final SharedMemory memory;
    private final PacketPool pool;
    private final ReceiveQueue[] receive;
    private final TransmitQueue[] transmit;
    private final DriverInflight inflight;
    private FrontendSession session;
    private long features;
    private boolean started;
    private boolean closed;

    private VirtioUser(Path socket, FrontendSession session, DriverConfig config) {
        this.socket = socket;
        this.session = session;
        this.config = config;
        long slab = PacketPool.slabSize(config.packets(), config.bufferSize());
        receive = new ReceiveQueue[config.queuePairs()];
        transmit = new TransmitQueue[config.queuePairs()];
        inflight = new DriverInflight(2 * config.queuePairs(), config.queueSize());
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
                transmit[i] = new TransmitQueue(memory, pool, config.queueSize());
            }
        } catch (RuntimeException | Error e) {
            releaseMemory();
            throw e;
        }
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
        Objects.requireNonNull(config, "config");
        FrontendSession session = FrontendSession.connect(socket, config.timeout());
        VirtioUser driver = null;
        try {
            driver = new VirtioUser(socket, session, config);
            driver.negotiate();
            driver.start();
            return driver;
        } catch (OsException e) {
            abandon(session, driver);
            throw new IOException(e.getMessage(), e);
        } catch (IOException | RuntimeException | Error e) {
            abandon(session, driver);
            throw e;
        }
    }

    private static void abandon(FrontendSession session, VirtioUser driver) {
        if (driver == null) {
            session.close();
        } else {
            driver.release();
        }
    }

    private void negotiate() throws IOException {
        long offered = handshake(session);
        features = offered & config.features();
        config.requireRings(features);
        session.features(features);
        DriverInflight.status(session, NEGOTIATED);
    }

    private long handshake(FrontendSession with) throws IOException {
        long offered = inflight.handshake(with, config);
        for (int i = 0; i < queueCount(); i++) {
            with.call(i, queue(i).call.descriptor());
        }
        return offered;
    }

    /**
     * Connects to a back-end that has come in place of one that died. The rings and the packets in them stay
     * as they are. With in-flight tracking ({@link DriverConfig#withInflight}) the new back-end goes on
     * exactly where its predecessor was, else in split rings at their used index. No burst may be under way.
     *
     * @throws IOException when nobody listens, or the back-end has not all that was negotiated or refuses;
     *     this may be repeated
     * @throws IllegalStateException when the driver is stopped or closed, or has packed rings and no tracking
     */
    public void reconnect() throws IOException {
        requireStarted();
        if (has(Feature.VIRTIO_F_RING_PACKED) && !inflight.isKept()) {
            throw new IllegalStateException("a back-end cannot go on in packed rings without in-flight"
                    + " tracking: connect with DriverConfig.withInflight()");
        }
        FrontendSession next = FrontendSession.connect(socket, config.timeout());
        boolean complete = false;
        FrontendSession before = session;
        try {
            inflight.requireAll(next, features & ~handshake(next));
            session = next;
            next.features(features);
            goOn();
            complete = true;
        } catch (OsException e) {
            throw new IOException(e.getMessage(), e);
        } finally {
            (complete ? before : next).close();
            session = complete ? next : before;
        }
    }

    private void goOn() throws IOException {
        DriverInflight.status(session, NEGOTIATED);
        session.memory(List.of(memory.region()), List.of(memory.file()));
        inflight.goOn(session);
        for (int i = 0; i < queueCount(); i++) {
            describeRing(i);
            // A kick that was meant for the predecessor may have got lost with it.
            queue(i).kick.signal();
        }
        enableRings();
    }

    /**
     * Sets the rings up from scratch and starts them. Does nothing when started.
     *
     * @throws IOException when the back-end refuses, and then it is stopped as before, or is gone
     * @throws IllegalStateException after {@link #close}
     */
    public void start() throws IOException {
        if (closed) {
            throw new IllegalStateException("the driver is closed: connect anew");
        }
        if (started) {
            return;
        }
        try {
            startRings();
        } catch (IOException | RuntimeException e) {
            try {
                stopRings();
            } catch (IOException gone) {
                e.addSuppressed(gone);
            }
            throw e;
        }
        started = true;
    }

    private void startRings() throws IOException {
        session.memory(List.of(memory.region()), List.of(memory.file()));
        inflight.begin(session);
        for (int i = 0; i < queueCount(); i++) {
            startRing(i);
        }
        enableRings();
    }

    private void enableRings() throws IOException {
        if (has(Feature.VHOST_USER_F_PROTOCOL_FEATURES)) {
            for (int i = 0; i < queueCount(); i++) {
                session.enable(i, true);
            }
        }
        DriverInflight.status(session, NEGOTIATED | DRIVER_OK);
        session.barrier();
    }

    private void startRing(int index) throws IOException {
        DriverQueue queue = queue(index);
        queue.reset(features, index);
        if (queue instanceof ReceiveQueue receiveQueue) {
            receiveQueue.mergeable = has(Feature.VIRTIO_NET_F_MRG_RXBUF);
            receiveQueue.fill();
        }
        if (queue instanceof TransmitQueue transmitQueue) {
            transmitQueue.mode = config.transmitMode().with(features);
        }
        describeRing(index);
    }

    /** The base is that of a new ring: of one that was used a back-end which died has told no other. */
    private void describeRing(int index) throws IOException {
        DriverQueue queue = queue(index);
        RingAddresses ring = queue.addresses();
        session.ringSize(index, queue.size());
        session.ringBase(index, ringFormat().start());
        session.ringAddresses(
                index, memory.address(ring.desc()), memory.address(ring.avail()),
                memory.address(ring.used()), 0, 0);
        session.kick(index, queue.kick.descriptor());
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
        if (has(Feature.VHOST_USER_F_PROTOCOL_FEATURES)) {
            for (int i = 0; i < queueCount(); i++) {
                session.enable(i, false);
            }
        }
        stopRings();
    }

    private void stopRings() throws IOException {
        for (int i = 0; i < queueCount(); i++) {
            session.stopRing(i);
            queue(i).reclaimAll();
        }
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
        return receive[checked(pair)].await(timeoutMillis, session.connection());
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
        return queue.hasRoom() || queue.await(timeoutMillis, session.connection());
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
     * memory, so packets just stay where they are. {@link #close} then and connect anew, or
     * {@link #reconnect} to a successor.
     *
     * <p>A system call: ask now and then, on the thread that stops and closes.
     */
    public boolean isConnected() {
        return !closed && session.isConnected();
    }

    /** Packets whose buffers the back-end can reach. */
    public PacketPool pool() {
        return pool;
    }

    /** The negotiated feature bits. */
    public long features() {
        return features;
    }

    /** Whether {@code feature} was negotiated. */
    public boolean has(Feature feature) {
        return feature.in(features);
    }

    /**
     * Received packets of a pair that were dropped: incomplete, or larger than a packet of the pool can be.
     */
    public long receiveDropped(int pair) {
        return receive[checked(pair)].dropped();
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
        session.close();
        releaseMemory();
    }

    private void releaseMemory() {
        inflight.close();
        for (int i = 0; i < queueCount(); i++) {
            if (queue(i) != null) {
                queue(i).close();
            }
        }
        memory.close();
    }

    private RingFormat ringFormat() {
        return RingFormat.of(has(Feature.VIRTIO_F_RING_PACKED));
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
