package io.vhost.device.packet;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.vhost.dma.channel.CopyChannel;
import io.vhost.net.Packet;
import io.vhost.queue.CopySlots;
import io.vhost.ring.ChainBatch;
import java.lang.foreign.MemorySegment;

/**
 * Hands the copies of packets to a channel, in one direction: between packets and the pieces of guest memory
 * that their data goes to or comes from. Whatever happens on the way, every copy that a slot was opened for
 * is made, or cancelled. Used under the queue's lock.
 */
final class CopyRun {
    private final MemorySegment memory;
    private final boolean toGuest;
    // The pieces of one packet.
    private final long[] position;
    private final int[] length;
    private int pieces;
    /** They are more than the channel can ever take. */
    private boolean byCaller;

    /** For guest memory, and packets of so many pieces. */
    CopyRun(MemorySegment memory, boolean toGuest, int mostPieces) {
        this.memory = memory;
        this.toGuest = toGuest;
        position = new long[mostPieces];
        length = new int[mostPieces];
    }

    /** Begins with the pieces of another packet. */
    void clear() {
        pieces = 0;
    }

    /** Adds the next piece of the packet. */
    void add(long windowOffset, int bytes) {
        position[pieces] = windowOffset;
        length[pieces++] = bytes;
    }

    int pieces() {
        return pieces;
    }

    /**
     * What is left of a channel's room after the pieces. A guest may cut a packet into more pieces than the
     * channel has places: waited for, they would be the head of their queue for ever. The caller copies them.
     *
     * @param capacity what the channel has room for now
     * @return below 0: there is no room now, but there will be
     */
    @GuardedBy("channel.lock")
    int roomAfter(int capacity, CopyChannel channel) {
        byCaller = pieces > channel.depth() && capacity > 0;
        return byCaller ? capacity : capacity - pieces;
    }

    /** Copies the pieces of one packet, whose slot was opened for them, after {@link #roomAfter}. */
    @GuardedBy("channel.lock")
    void copyPieces(CopySlots<Packet> slots, int slot, Packet packet, CopyChannel channel) {
        long data = packet.dataOffset();
        int piece = 0;
        try {
            while (piece < pieces) {
                long at = position[piece];
                int bytes = length[piece++];
                copy(slots, slot, packet, data, at, bytes, channel, byCaller);
                data += bytes;
            }
        } finally {
            // After an error no copy of the rest is coming.
            slots.cancel(slot, pieces - piece);
        }
    }

    /**
     * Copies packets to or from the one buffer of each chain of a batch.
     *
     * @param firstSlot of those that were opened, one for each packet
     * @param headerLength bytes before the packet's data in each buffer
     */
    @GuardedBy("channel.lock")
    void copyPlain(
            CopySlots<Packet> slots, int firstSlot, Packet[] packets, int offset, int count,
            ChainBatch batch, int headerLength, CopyChannel channel) {
        int slot = firstSlot;
        int i = 0;
        try {
            while (i < count) {
                Packet packet = packets[offset + i];
                // As planned, whatever has become of the packet since: the guest's buffer holds no more.
                int bytes = (toGuest ? batch.written(i) : batch.bufferLength(i)) - headerLength;
                long at = batch.bufferOffset(i++) + headerLength;
                int present = slot;
                slot = slots.after(slot);
                copy(slots, present, packet, packet.dataOffset(), at, bytes, channel, false);
            }
        } finally {
            // After an error no copy of the rest is coming.
            for (; i < count; i++) {
                slots.cancel(slot, 1);
                slot = slots.after(slot);
            }
        }
    }

    /** Copies one piece. */
    @GuardedBy("channel.lock")
    private void copy(
            CopySlots<Packet> slots, int slot, Packet packet, long data, long at, int bytes,
            CopyChannel channel, boolean atOnce) {
        if (toGuest) {
            slots.copy(channel, atOnce, packet.segment(), data, memory, at, bytes, slot);
        } else {
            slots.copy(channel, atOnce, memory, at, packet.segment(), data, bytes, slot);
        }
    }
}
