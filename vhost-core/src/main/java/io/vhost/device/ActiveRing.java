package io.vhost.device;

import io.vhost.memory.GuestMemory;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.ring.SplitRing;
import java.lang.foreign.MemorySegment;

/**
 * A ring that can be worked on: located in one memory table, which it keeps mapped until it is released. Used under the
 * queue's lock. Ring and table are one object so that no burst can meet a ring of one table and buffers of another.
 */
final class ActiveRing {
    private final GuestMemory memory;
    private final SplitRing ring;
    private final DequeueBurst dequeue;
    private final EnqueueBurst enqueue;

    ActiveRing(
            GuestMemory memory, SplitRing ring, QueueFormat format, QueueCounters counters, MemorySegment scratch) {
        this.memory = memory;
        this.ring = ring;
        this.dequeue = new DequeueBurst(ring, format, counters, scratch);
        this.enqueue = new EnqueueBurst(ring, new EnqueuePlan(ring, format, counters), format, counters, scratch);
        memory.retain();
    }

    SplitRing ring() {
        return ring;
    }

    /** Packets from the guest, in chunks; the guest sees each chunk as soon as it is done. */
    int dequeue(PacketPool pool, Packet[] packets, int offset, int count) {
        int total = 0;
        try {
            while (total < count) {
                int chunk = Math.min(EnqueuePlan.MAX, count - total);
                int moved = dequeue.run(pool, packets, offset + total, chunk);
                total += moved;
                if (moved < chunk) {
                    break;
                }
            }
        } catch (InternalError e) {
            // Memory is gone, and the error may come later than the access: earlier chunks are not to be trusted either.
            pool.release(packets, offset, total);
            throw e;
        }
        return total;
    }

    /** Packets to the guest, in chunks; the guest sees each chunk as soon as it is done. */
    int enqueue(Packet[] packets, int offset, int count) {
        int total = 0;
        while (total < count) {
            int chunk = Math.min(EnqueuePlan.MAX, count - total);
            int moved = enqueue.run(packets, offset + total, chunk);
            total += moved;
            if (moved < chunk) {
                break;
            }
        }
        return total;
    }

    /** Lets go of the memory; nothing may touch this ring afterwards. */
    void release() {
        memory.release();
    }
}
