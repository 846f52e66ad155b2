package io.vhost.driver;

import io.vhost.device.Feature;
import io.vhost.device.packet.Segmentations;
import io.vhost.driver.DriverConfig.TransmitMode;
import io.vhost.net.InternetChecksum;
import io.vhost.net.NetHeader;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.net.custody.BurstCheck;

/** Driver to device. Packets are sent from where they lie. */
final class TransmitQueue extends DriverQueue {
    /** Room for an indirect table of two descriptors, then a header; one for each packet of the pool. */
    private static final int EXTRA = 64;
    private static final int HEADER_IN_EXTRA = 32;
    /** Flags and segmentation type of an offload word. */
    private static final long OFFLOADS = 0xFFFF;

    private final long extra;
    private final Packet[] done = new Packet[64];
    private final long[] address = new long[2];
    private final int[] length = new int[2];

    /** What is asked for, as far as the back-end can do it. */
    TransmitMode mode;

    private boolean checksums;
    private Segmentations segmentations = new Segmentations(false, false, false);
    private long dropped;
    private volatile long abandoned;

    TransmitQueue(SharedMemory memory, PacketPool pool, int size) {
        super(memory, pool, size);
        this.extra = memory.carve(extraBytes(pool.size()));
    }

    @Override
    void begin(long features, DriverConfig config) {
        mode = config.transmitMode().with(features);
        checksums = Feature.VIRTIO_NET_F_CSUM.in(features);
        segmentations = segmentations(features);
    }

    /** What a device with these features takes uncut. */
    static Segmentations segmentations(long features) {
        return new Segmentations(
                Feature.VIRTIO_NET_F_HOST_TSO4.in(features),
                Feature.VIRTIO_NET_F_HOST_TSO6.in(features),
                Feature.VIRTIO_NET_F_HOST_ECN.in(features));
    }

    /** Packets that ask the device for what it does not do. */
    long dropped() {
        return dropped;
    }

    /** Packets that devices which are gone may have sent or not. Any thread. */
    long abandoned() {
        return abandoned;
    }

    @Override
    @SuppressWarnings("NonAtomicVolatileUpdate")   // no burst is under way, and nobody else writes
    void abandon() {
        if (ring != null) {
            reclaim();
            abandoned += reclaimAll();
        }
    }

    static long extraBytes(int packets) {
        return (long) EXTRA * packets;
    }

    int transmit(Packet[] packets, int offset, int count) {
        reclaim();
        BurstCheck.requireDistinct(packets, offset, count, pool);
        int sent = 0;
        while (sent < count && send(packets[offset + sent])) {
            sent++;
        }
        if (sent > 0) {
            publishAndKick();
        }
        return sent;
    }

    private boolean send(Packet packet) {
        boolean fit = (packet.offload() & OFFLOADS) == 0 || isFit(packet);
        return fit ? offer(packet) : drop(packet);
    }

    /** Whether the device can carry out what the packet asks for, after what it cannot do has been done. */
    private boolean isFit(Packet packet) {
        return segmentations.accept(packet.gsoType()) && (checksums || InternetChecksum.complete(packet));
    }

    private boolean drop(Packet packet) {
        packet.release();
        dropped++;
        return true;
    }

    /** The device has the packet from now on, unless there is no room. */
    private boolean offer(Packet packet) {
        int index = packet.index();
        if (!offer(packet, index)) {
            return false;
        }
        hand(packet);
        return true;
    }

    /** Whether the next packet finds its descriptors, as far as the ring's own count says. */
    boolean hasRoom() {
        return ring.free() >= (mode == TransmitMode.CHAINED ? 2 : 1);
    }

    private boolean offer(Packet packet, int index) {
        int bytes = packet.length();
        if (mode == TransmitMode.ONE_BUFFER && packet.headroom() >= headerLength) {
            long start = packet.dataOffset() - headerLength;
            putHeader(packet, packet.segment().address() + start - segment.address());
            return ring.offer(index, packet.segment().address() + start, headerLength + bytes, false);
        }
        long slot = extra + (long) EXTRA * index;
        putHeader(packet, slot + HEADER_IN_EXTRA);
        address[0] = memory.address(slot + HEADER_IN_EXTRA);
        length[0] = headerLength;
        address[1] = packet.segment().address() + packet.dataOffset();
        length[1] = bytes;
        return mode == TransmitMode.INDIRECT
                ? ring.offerIndirect(index, slot, memory.address(slot), address, length, 2, 2)
                : ring.offer(index, address, length, 2, 2);
    }

    /** The last field of a 12-byte header, the number of buffers, is 0 in this direction. */
    private void putHeader(Packet packet, long position) {
        NetHeader.update(segment, position, headerLength, packet.offload(), packet.checksumOffset(), 0);
    }

    /** Puts packets that the device has read back into their pool. */
    void reclaim() {
        int index;
        int count = 0;
        while ((index = ring.poll()) >= 0) {
            done[count++] = takeBack(index);
            if (count == done.length) {
                pool.release(done, 0, count);
                count = 0;
            }
        }
        pool.release(done, 0, count);
    }
}
