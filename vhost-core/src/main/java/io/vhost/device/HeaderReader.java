package io.vhost.device;

import io.vhost.device.QueueCounters.Counter;
import io.vhost.net.NetHeader;
import io.vhost.net.Packet;
import io.vhost.ring.ChainBatch;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Reads the header of a packet from the guest, once, wherever the guest put it; used under the queue's lock.
 */
final class HeaderReader {
    private static final ValueLayout.OfLong OFFLOAD =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort CHECKSUM_OFFSET =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Other flags are not for a driver to set and must be ignored (virtio 1.2, 5.1.6.2.2). */
    private static final long KNOWN_FIELDS = ~0xFFL | NetHeader.NEEDS_CHECKSUM;

    private final QueueFormat format;
    private final QueueCounters counters;
    private final MemorySegment scratch;
    private long offload;
    private int checksumOffset;

    HeaderReader(QueueFormat format, QueueCounters counters, MemorySegment scratch) {
        this.format = format;
        this.counters = counters;
        this.scratch = scratch;
    }

    /** Offload fields of a header that lies in one piece. */
    static long offload(MemorySegment memory, long position) {
        return memory.get(OFFLOAD, position);
    }

    static int checksumOffset(MemorySegment memory, long position) {
        return memory.get(CHECKSUM_OFFSET, position + NetHeader.CHECKSUM_OFFSET_OFFSET) & 0xFFFF;
    }

    /** Reads the header of a chain that is at least as long. */
    void read(MemorySegment memory, ChainBatch batch, int chain) {
        int first = batch.firstBuffer(chain);
        if (batch.bufferLength(first) >= format.headerLength()) {
            offload = offload(memory, batch.bufferOffset(first));
            checksumOffset = checksumOffset(memory, batch.bufferOffset(first));
            return;
        }
        int rest = format.headerLength();
        for (int i = first; rest > 0; i++) {
            int count = Math.min(rest, batch.bufferLength(i));
            MemorySegment.copy(memory, batch.bufferOffset(i), scratch, format.headerLength() - rest, count);
            rest -= count;
        }
        offload = offload(scratch, 0);
        checksumOffset = checksumOffset(scratch, 0);
    }

    long offload() {
        return offload;
    }

    int checksumOffset() {
        return checksumOffset;
    }

    /**
     * Gives a packet the offload fields of its header.
     *
     * @return false when they ask for what was not negotiated or point outside the packet; it is counted
     */
    boolean apply(Packet packet, long fields, int offset) {
        long word = fields & KNOWN_FIELDS;
        if ((word & 0xFFFF) == 0) {
            return true;
        }
        boolean negotiated = format.checksums() && format.segmentations().accept(NetHeader.gsoType(word));
        if (!negotiated || !NetHeader.isPlausible(word, offset, packet.length())) {
            counters.add(Counter.BAD_OFFLOAD, 1);
            return false;
        }
        packet.offload(word, offset);
        return true;
    }
}
