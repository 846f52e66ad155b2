package io.vhost.driver;

import io.vhost.device.Feature;
import io.vhost.net.NetHeader;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.net.custody.Custody;
import io.vhost.os.Descriptor;
import io.vhost.os.EventFd;
import io.vhost.os.InterruptWatch;
import io.vhost.os.OsException;
import io.vhost.os.Poll;
import io.vhost.ring.DriverRing;
import io.vhost.ring.RingAddresses;
import io.vhost.ring.RingFormat;
import io.vhost.ring.RingOptions;
import io.vhost.state.RingViolation;
import java.lang.foreign.MemorySegment;

/** What receive and transmit queues share: the ring in shared memory, its event descriptors, its packets. */
abstract sealed class DriverQueue implements AutoCloseable permits ReceiveQueue, TransmitQueue {
    final SharedMemory memory;
    final MemorySegment segment;
    final PacketPool pool;
    final EventFd kick;
    final EventFd call;
    /** By packet index: those that are with the device. */
    private final Packet[] out;

    private final RingAddresses addresses;
    private final int size;
    private final InterruptWatch interrupts = new InterruptWatch(this::wakeUp);
    private Poll poll;
    /** What the poll watches besides the call descriptor. */
    private Descriptor watched;

    DriverRing ring;
    int headerLength;

    DriverQueue(SharedMemory memory, PacketPool pool, int size) {
        this.memory = memory;
        this.segment = memory.segment();
        this.pool = pool;
        this.size = size;
        this.out = new Packet[pool.size()];
        this.addresses = new RingAddresses(
                memory.carve(descBytes(size)),
                memory.carve(driverBytes(size)),
                memory.carve(deviceBytes(size)));
        this.kick = EventFd.create();
        try {
            this.call = EventFd.create();
        } catch (OsException e) {
            kick.close();
            throw e;
        }
    }

    /** Bytes of shared memory that a queue needs for its ring, whatever its format will be. */
    static long ringBytes(int size) {
        return SharedMemory.areaSize(descBytes(size))
                + SharedMemory.areaSize(driverBytes(size))
                + SharedMemory.areaSize(deviceBytes(size));
    }

    private static long descBytes(int size) {
        return Math.max(RingFormat.SPLIT.descBytes(size), RingFormat.PACKED.descBytes(size));
    }

    private static long driverBytes(int size) {
        return Math.max(RingFormat.SPLIT.driverBytes(size), RingFormat.PACKED.driverBytes(size));
    }

    private static long deviceBytes(int size) {
        return Math.max(RingFormat.SPLIT.deviceBytes(size), RingFormat.PACKED.deviceBytes(size));
    }

    /**
     * An empty ring at its start.
     *
     * @param features that were negotiated
     * @param index of the queue: even ones are written by the device (virtio 1.2, 5.1.2)
     */
    void reset(long features, int index) {
        boolean packed = Feature.VIRTIO_F_RING_PACKED.in(features);
        headerLength = NetHeader.length(
                Feature.VIRTIO_NET_F_MRG_RXBUF.in(features),
                Feature.VIRTIO_F_VERSION_1.in(features) || packed);
        RingOptions options = new RingOptions(
                (index & 1) == 0,
                Feature.VIRTIO_F_INDIRECT_DESC.in(features),
                Feature.VIRTIO_F_EVENT_IDX.in(features),
                Feature.VIRTIO_F_IN_ORDER.in(features));
        ring = RingFormat.of(packed).driver(segment, addresses, size, options);
        ring.disableInterrupts();
    }

    /** Makes the first use of a new ring. */
    abstract void begin(long features, DriverConfig config);

    /**
     * Asks the device for interrupts, which make {@link #call} readable.
     *
     * @return whether there is something to do already
     */
    boolean arm() {
        return ring.violation() != null || ring.enableInterrupts();
    }

    /** Takes the interrupts that have come, and asks for no more. */
    void disarm() {
        ring.disableInterrupts();
        call.drain();
    }

    /**
     * Waits until the device has used a chain, a wake-up, an interrupt of the thread, or the end of the
     * connection.
     *
     * @param timeoutMillis how long at most; below 0: without limit
     * @param connection to the device
     * @return false when the time was over
     */
    boolean await(int timeoutMillis, Descriptor connection) {
        if (ring.violation() != null) {
            return true;
        }
        if (!connection.equals(watched)) {
            watched = connection;
            poll = new Poll(call.descriptor(), connection);
        }
        try {
            return ring.enableInterrupts() || sleep(timeoutMillis);
        } finally {
            ring.disableInterrupts();
        }
    }

    private boolean sleep(int timeoutMillis) {
        interrupts.begin();
        try {
            boolean ready = poll.await(timeoutMillis) > 0;
            if (ready) {
                call.drain();
            }
            return ready;
        } finally {
            interrupts.end();
        }
    }

    /** As the device does: a call without a used chain is nothing unusual. Any thread. */
    void wakeUp() {
        call.signal();
    }

    /**
     * Takes back what the device had, after it was stopped.
     *
     * @return packets that it had not used
     */
    int reclaimAll() {
        int count = 0;
        for (int i = 0; i < out.length; i++) {
            if (out[i] != null) {
                takeBack(i).release();
                count++;
            }
        }
        return count;
    }

    /** Leaves the ring of a device that has gone: what that has used is kept, all else taken back. */
    abstract void abandon();

    /** The device has a packet from now on. */
    final void hand(Packet packet) {
        Custody.accept(packet);
        out[packet.index()] = packet;
    }

    /** The device is done with a packet. */
    final Packet takeBack(int index) {
        Packet packet = out[index];
        out[index] = null;
        Custody.giveBack(packet);
        return packet;
    }

    int size() {
        return size;
    }

    RingAddresses addresses() {
        return addresses;
    }

    RingViolation violation() {
        return ring == null ? null : ring.violation();
    }

    void publishAndKick() {
        ring.publish();
        if (ring.needsKick()) {
            kick.signal();
        }
    }

    @Override
    public void close() {
        kick.close();
        call.close();
    }
}
