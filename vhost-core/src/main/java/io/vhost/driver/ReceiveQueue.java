package io.vhost.driver;

import io.vhost.device.Feature;
import io.vhost.memory.NativeCopy;
import io.vhost.net.NetHeader;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import java.util.Arrays;

/** Device to driver. Packets are received where they are offered; only merged ones are copied together. */
final class ReceiveQueue extends DriverQueue {
    private final int receiveSize;
    private final Packet[] taken = new Packet[64];
    private long dropped;
    /** What devices that are gone had brought. */
    private Packet[] kept = {};

    /** Whether the header counts buffers (virtio 1.2, 5.1.6.4). */
    boolean mergeable;

    ReceiveQueue(SharedMemory memory, PacketPool pool, int size, int receiveSize) {
        super(memory, pool, size);
        this.receiveSize = receiveSize;
    }

    /** Packets that came in more pieces than there were, or larger than a packet of the pool can be. */
    long dropped() {
        return dropped;
    }

    @Override
    void begin(long features, DriverConfig config) {
        mergeable = Feature.VIRTIO_NET_F_MRG_RXBUF.in(features);
        fill();
    }

    /** Packets that have arrived are kept for {@link #receive}. */
    @Override
    void abandon() {
        if (ring != null) {
            int count = kept.length;
            kept = Arrays.copyOf(kept, count + ring.pending());
            count += take(kept, count, kept.length - count);
            kept = Arrays.copyOf(kept, count);
            int _ = reclaimAll();
        }
    }

    /** Offers as many buffers as the ring and the pool have. */
    void fill() {
        int count;
        boolean offered = false;
        while ((count = pool.take(taken, 0, Math.min(taken.length, ring.free()))) > 0) {
            for (int i = 0; i < count; i++) {
                Packet packet = taken[i];
                long start = packet.segment().address() + packet.dataOffset() - headerLength;
                ring.offer(packet.index(), start, Math.min(receiveSize, packet.capacity() + headerLength),
                        true);
                hand(packet);
            }
            offered = true;
        }
        if (offered) {
            publishAndKick();
        }
    }

    int receive(Packet[] packets, int offset, int count) {
        int received = kept.length == 0 ? 0 : receiveKept(packets, offset, count);
        received += take(packets, offset + received, count - received);
        // A refill costs the device a look at our index, so it waits until a worthwhile number is missing.
        if (ring.free() >= Math.min(32, size() / 2)) {
            fill();
        }
        return received;
    }

    private int receiveKept(Packet[] packets, int offset, int count) {
        int taken = Math.min(count, kept.length);
        System.arraycopy(kept, 0, packets, offset, taken);
        kept = Arrays.copyOfRange(kept, taken, kept.length);
        return taken;
    }

    private int take(Packet[] packets, int offset, int count) {
        int received = 0;
        while (received < count) {
            Packet packet = next();
            if (packet == null) {
                break;
            }
            if (accept(packet)) {
                packets[offset + received++] = packet;
            } else {
                packet.release();
                dropped++;
            }
        }
        return received;
    }

    private Packet next() {
        int index = ring.poll();
        return index < 0 ? null : takeBack(index);
    }

    /** Sets length and offload fields from the header; false when the packet is not whole. */
    private boolean accept(Packet packet) {
        int bytes = ring.usedLength() - headerLength;
        if (bytes <= 0) {
            return false;
        }
        packet.reset(bytes);
        long header = packet.dataOffset() - headerLength;
        int buffers = mergeable ? NetHeader.bufferCount(packet.segment(), header) : 1;
        long offload = NetHeader.offload(packet.segment(), header);
        int checksumOffset = NetHeader.checksumOffset(packet.segment(), header);
        if (buffers != 1 && !merge(packet, buffers)) {
            return false;
        }
        if ((offload & 0xFFFF) != 0) {
            if (!NetHeader.isPlausible(offload, checksumOffset, packet.length())) {
                return false;
            }
            packet.offload(offload, checksumOffset);
        }
        return true;
    }

    /** Appends the buffers that follow; the device has published them together with the first. */
    private boolean merge(Packet packet, int buffers) {
        boolean whole = buffers > 0;
        for (int i = 1; i < buffers; i++) {
            Packet more = next();
            if (more == null) {
                return false;
            }
            int bytes = ring.usedLength();
            if (whole && bytes <= packet.tailroom()) {
                long target = packet.dataOffset() + packet.length();
                packet.append(bytes);
                NativeCopy.copy(
                        more.segment(), more.dataOffset() - headerLength, packet.segment(), target, bytes);
            } else {
                whole = false;
            }
            more.release();
        }
        return whole;
    }
}
