package io.vhost.device.packet;

import io.vhost.net.NetHeader;
import io.vhost.net.Packet;
import io.vhost.queue.QueueTally;
import io.vhost.ring.ChainBatch;
import io.vhost.state.QueueCounters.Counter;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Reads the header of a packet from the guest, once, wherever the guest put it; used under the queue's lock.
 */
final class HeaderReader {
    /** Other flags are not for a driver to set and must be ignored (virtio 1.2, 5.1.6.2.2). */
    private static final long KNOWN_FIELDS = ~0xFFL | NetHeader.NEEDS_CHECKSUM;

    private final PacketFormat format;
    private final QueueTally counters;
    private final MemorySegment scratch = Arena.ofAuto().allocate(NetHeader.LENGTH, Long.BYTES);

    HeaderReader(PacketFormat format, QueueTally counters) {
        this.format = format;
        this.counters = counters;
    }

    /** Reads the header of a chain that is at least as long into a packet; {@link #check} it afterwards. */
    void read(MemorySegment memory, ChainBatch batch, int chain, Packet packet) {
        int first = batch.firstBuffer(chain);
        if (batch.bufferLength(first) >= format.headerLength()) {
            long position = batch.bufferOffset(first);
            packet.offload(
                    NetHeader.offload(memory, position), NetHeader.checksumOffset(memory, position));
            return;
        }
        int rest = format.headerLength();
        for (int i = first; rest > 0; i++) {
            int count = Math.min(rest, batch.bufferLength(i));
            MemorySegment.copy(memory, batch.bufferOffset(i), scratch, format.headerLength() - rest, count);
            rest -= count;
        }
        packet.offload(NetHeader.offload(scratch, 0), NetHeader.checksumOffset(scratch, 0));
    }

    /**
     * Looks at the offload fields that a guest gave a packet, and leaves those that mean something.
     *
     * @return false when they ask for what was not negotiated or point outside the packet; it is counted
     */
    boolean check(Packet packet) {
        return (packet.offload() & 0xFFFF) == 0 ? clear(packet) : checkFields(packet);
    }

    /** Few packets ask for anything; what else stands in the header of the others means nothing. */
    private static boolean clear(Packet packet) {
        if (packet.offload() != 0 || packet.checksumOffset() != 0) {
            packet.clearOffload();
        }
        return true;
    }

    private boolean checkFields(Packet packet) {
        long word = packet.offload() & KNOWN_FIELDS;
        if ((word & 0xFFFF) == 0) {
            packet.clearOffload();
            return true;
        }
        boolean negotiated = format.checksums() && format.segmentations().accept(NetHeader.gsoType(word));
        if (!negotiated || !NetHeader.isPlausible(word, packet.checksumOffset(), packet.length())) {
            counters.add(Counter.BAD_OFFLOAD, 1);
            packet.clearOffload();
            return false;
        }
        packet.offload(word, packet.checksumOffset());
        return true;
    }
}
