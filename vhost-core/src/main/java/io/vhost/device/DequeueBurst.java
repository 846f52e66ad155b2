package io.vhost.device;

import io.vhost.device.QueueCounters.Counter;
import io.vhost.net.NetHeader;
import io.vhost.net.Packet;
import io.vhost.net.PacketCopy;
import io.vhost.net.PacketPool;
import io.vhost.ring.ChainBatch;
import io.vhost.ring.RingViolation;
import io.vhost.ring.SplitRing;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Guest to application: copies a burst of chains into packets. Used under the queue's lock.
 *
 * <p>A burst is worked in two passes, first all descriptors and then all copies, so that the cache misses of the
 * descriptors overlap.
 */
final class DequeueBurst {
    private static final ValueLayout.OfLong OFFLOAD =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort CHECKSUM_OFFSET =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Other flags are not for a driver to set and must be ignored (virtio 1.2, 5.1.6.2.2). */
    private static final long KNOWN_FIELDS = ~0xFFL | NetHeader.NEEDS_CHECKSUM;

    private final SplitRing ring;
    private final ChainBatch batch;
    private final QueueFormat format;
    private final QueueCounters counters;
    // The header of a packet that does not begin in one piece is put together here; native like everything copied.
    private final MemorySegment header;

    DequeueBurst(SplitRing ring, QueueFormat format, QueueCounters counters, MemorySegment header) {
        this.ring = ring;
        this.batch = new ChainBatch(ring.size());
        this.format = format;
        this.counters = counters;
        this.header = header;
    }

    /** Fills up to {@code count} packets. What it returns is delivered; nothing else was taken from the pool. */
    int run(PacketPool pool, Packet[] packets, int offset, int count) {
        int chains = ring.gather(batch, count);
        if (chains == 0) {
            return 0;
        }
        int taken = 0;
        int delivered = 0;
        boolean published = false;
        try {
            taken = pool.take(packets, offset, chains);
            if (taken < chains) {
                counters.add(Counter.POOL_EMPTY, 1);
                ring.ungather(batch, chains - taken);
                if (taken == 0) {
                    return 0;
                }
            }
            delivered = copyAll(packets, offset, taken);
            ring.publish(batch);
            published = true;
            return delivered;
        } finally {
            if (!published) {
                // A closed pool, or memory that has gone: the guest's packets stay in the ring, ours go back.
                ring.ungather(batch, batch.chains());
                delivered = 0;
            }
            if (delivered < taken) {
                pool.release(packets, offset + delivered, taken - delivered);
            }
        }
    }

    private int copyAll(Packet[] packets, int offset, int chains) {
        MemorySegment memory = ring.memory();
        ChainBatch batch = this.batch;
        int headerLength = format.headerLength();
        int delivered = 0;
        long bytes = 0;
        for (int chain = 0; chain < chains; chain++) {
            Packet packet = packets[offset + delivered];
            int buffer = batch.firstBuffer(chain);
            long length = batch.length(chain) - headerLength;
            batch.written(chain, 0);
            if (length > packet.capacity()) {
                counters.add(Counter.OVERSIZE, 1);
            } else if (length > 0 && batch.bufferLength(buffer) == batch.length(chain)) {
                long source = batch.bufferOffset(buffer);
                long offload = memory.get(OFFLOAD, source);
                packet.reset((int) length);
                PacketCopy.copy(
                        memory, source + headerLength, packet.segment(), packet.dataOffset(), (int) length);
                if ((offload & 0xFFFF) == 0 || offloadIsValid(packet, offload, memory, source)) {
                    bytes += length;
                    delivered++;
                }
            } else if (collect(packet, chain, length)) {
                bytes += length;
                delivered++;
            }
        }
        counters.add(Counter.PACKETS, delivered);
        counters.add(Counter.BYTES, bytes);
        return delivered;
    }

    /** A packet in more than one buffer, or one with a header that is not complete. */
    private boolean collect(Packet packet, int chain, long length) {
        if (length <= 0) {
            return ring.fault(RingViolation.NO_ROOM_FOR_HEADER, batch.length(chain));
        }
        packet.reset((int) length);
        int headerRest = format.headerLength();
        long target = packet.dataOffset();
        for (int i = batch.firstBuffer(chain); i < batch.endBuffer(chain); i++) {
            long source = batch.bufferOffset(i);
            int rest = batch.bufferLength(i);
            int ofHeader = Math.min(rest, headerRest);
            if (ofHeader > 0) {
                MemorySegment.copy(ring.memory(), source, header, format.headerLength() - headerRest, ofHeader);
                headerRest -= ofHeader;
            }
            PacketCopy.copy(ring.memory(), source + ofHeader, packet.segment(), target, rest - ofHeader);
            target += rest - ofHeader;
        }
        long offload = header.get(OFFLOAD, 0);
        return (offload & 0xFFFF) == 0 || offloadIsValid(packet, offload, header, 0);
    }

    /** Hands the guest's offload fields on, unless they point outside the packet. */
    private boolean offloadIsValid(Packet packet, long fields, MemorySegment memory, long source) {
        long offload = fields & KNOWN_FIELDS;
        if ((offload & 0xFFFF) == 0) {
            return true;
        }
        int checksumOffset = memory.get(CHECKSUM_OFFSET, source + NetHeader.CHECKSUM_OFFSET_OFFSET) & 0xFFFF;
        boolean negotiated = format.checksums() && NetHeader.gsoType(offload) == NetHeader.GSO_NONE;
        if (!negotiated || !NetHeader.isPlausible(offload, checksumOffset, packet.length())) {
            counters.add(Counter.BAD_OFFLOAD, 1);
            return false;
        }
        packet.offload(offload, checksumOffset);
        return true;
    }
}
