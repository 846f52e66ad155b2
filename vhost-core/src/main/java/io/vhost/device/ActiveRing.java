package io.vhost.device;

import io.vhost.dma.DmaChannel;
import io.vhost.memory.GuestMemory;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.ring.DeviceRing;
import java.lang.foreign.MemorySegment;

/**
 * A ring that can be worked on: located in one memory table, which it keeps mapped until it is released. Used
 * under the queue's lock. Ring and table are one object so that no burst can meet a ring of one table and
 * buffers of another.
 */
final class ActiveRing {
    private final QueueFormat format;
    private final GuestMemory memory;
    private final DeviceRing ring;
    // Of each pair, the one of the queue's direction.
    private final DequeueBurst dequeue;
    private final EnqueueBurst enqueue;
    private final AsyncDequeue asyncDequeue;
    private final AsyncEnqueue asyncEnqueue;
    private final HeaderReader header;
    private RingPlace place;
    private final Packet[] scratchPackets = new Packet[EnqueuePlan.MAX];

    ActiveRing(
            GuestMemory memory, DeviceRing ring, QueueFormat format, QueueCounters counters,
            MemorySegment scratch) {
        this.format = format;
        this.memory = memory;
        this.ring = ring;
        boolean toGuest = format.ring().deviceWrites();
        header = new HeaderReader(format, counters, scratch);
        EnqueuePlan plan = toGuest ? new EnqueuePlan(ring, format, counters) : null;
        enqueue = toGuest ? new EnqueueBurst(ring, plan, format, counters, scratch) : null;
        asyncEnqueue = toGuest ? new AsyncEnqueue(ring, plan, format, counters, scratch) : null;
        dequeue = toGuest ? null : new DequeueBurst(ring, format, counters, header);
        asyncDequeue = toGuest ? null : new AsyncDequeue(ring, format, counters, header);
        memory.retain();
    }

    DeviceRing ring() {
        return ring;
    }

    GuestMemory memory() {
        return memory;
    }

    /** Where the ring lies. It stays there, and is looked up once only: whoever asks has the queue's lock. */
    RingPlace place(RingSetup setup) {
        if (place == null) {
            place = RingPlace.of(memory, setup, format.layout());
        }
        return place;
    }

    /** Reads headers; for the queue's direction from the guest. */
    HeaderReader header() {
        return header;
    }

    /** Packets from the guest, in chunks; the guest sees each chunk as soon as it is done. */
    int dequeue(PacketPool pool, Packet[] packets, int offset, int count) {
        int total = 0;
        boolean complete = false;
        try {
            while (total < count) {
                int chunk = Math.min(EnqueuePlan.MAX, count - total);
                int moved = dequeue.run(pool, packets, offset + total, chunk);
                total += moved;
                if (moved < chunk) {
                    break;
                }
            }
            complete = true;
            return total;
        } finally {
            if (!complete) {
                // Memory is gone, and the error may come later than the access:
                // earlier chunks cannot be trusted either.
                pool.release(packets, offset, total);
            }
        }
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

    /** One chunk of packets to the guest, to be copied by the channel. */
    int submitEnqueue(AsyncCopies async, Packet[] packets, int offset, int count, DmaChannel channel) {
        return asyncEnqueue.submit(async, packets, offset, Math.min(EnqueuePlan.MAX, count), channel);
    }

    /** One chunk of packets from the guest, to be copied by the channel. */
    int submitDequeue(AsyncCopies async, PacketPool pool, int count, DmaChannel channel) {
        return asyncDequeue.submit(async, pool, scratchPackets, Math.min(EnqueuePlan.MAX, count), channel);
    }

    /** Lets go of the memory; nothing may touch this ring afterwards. */
    void release() {
        memory.release();
    }
}
