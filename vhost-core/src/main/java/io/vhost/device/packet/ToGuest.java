package io.vhost.device.packet;

import io.vhost.dma.DmaRegistry;
import io.vhost.dma.channel.CopyChannel;
import io.vhost.memory.MemoryFault;
import io.vhost.net.NetHeader;
import io.vhost.net.Packet;
import io.vhost.net.custody.BurstCheck;
import io.vhost.net.custody.Custody;
import io.vhost.queue.CopyLimits;
import io.vhost.queue.CopySlots;
import io.vhost.queue.QueueTally;
import io.vhost.ring.DeviceRing;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.Supplier;

/** The way to the guest. Used under the queue's lock; for bursts, the queue runs. */
public final class ToGuest extends PacketPath {
    /** The header of a packet that does not begin in one piece; native like everything copied. */
    private final MemorySegment header = Arena.ofAuto().allocate(NetHeader.LENGTH, Long.BYTES);
    private EnqueueBurst burst;
    private AsyncEnqueue asyncBurst;

    /**
     * Serve a queue with it before anything else, see {@link #serve}.
     *
     * @param counters of the queue
     * @param registry as {@link PacketPath} has it
     * @param limits how asynchronous copies are treated
     * @param format what packets look like, asked whenever a ring is opened
     */
    public ToGuest(
            QueueTally counters, DmaRegistry registry, CopyLimits limits, Supplier<PacketFormat> format) {
        super(counters, registry, limits, format);
    }

    @Override
    void open(DeviceRing ring, PacketFormat format) {
        EnqueuePlan plan = new EnqueuePlan(ring, format, counters);
        burst = new EnqueueBurst(life(), plan, format, counters, header);
        asyncBurst = new AsyncEnqueue(life(), plan, format, counters, header);
    }

    /** As VirtQueue.enqueueBurst; the queue runs. */
    public int enqueue(Packet[] packets, int offset, int count) {
        requireNothingInFlight();
        int before = life().ring().published();
        try {
            int done;
            try {
                done = burst.run(packets, offset, count);
            } catch (RuntimeException refusal) {
                // Of a packet: the guest waits for those before it.
                life().finish(before);
                MemoryFault.surface();
                throw refusal;
            }
            // Not after an error of memory that is gone: rules that what was read of it breaks are none.
            life().finish(before);
            MemoryFault.surface();
            return done;
        } catch (InternalError e) {
            life().memoryLost(e);
            return 0;
        }
    }

    /** As VirtQueue.submitEnqueueBurst; the queue runs. */
    public int submit(Packet[] packets, int offset, int count, CopyChannel channel) {
        if (!maySubmit(channel) || !takesCopies()) {
            return 0;
        }
        BurstCheck.requireDistinct(packets, offset, count);
        CopySlots<Packet> slots = async().slots();
        int before = slots.opened();
        try {
            asyncBurst.run(slots, packets, offset, count, channel);
            MemoryFault.surface();
        } catch (InternalError e) {
            lostSince(before, e);
        }
        return submitted(before, count);
    }

    @Override
    int take(Packet[] out, int offset, int count) {
        CopySlots<Packet> slots = async().slots();
        int taken = 0;
        int delivered = 0;
        long bytes = 0;
        while (taken < count && slots.hasClosed()) {
            boolean undelivered = slots.isUndelivered(slots.oldest());
            Packet packet = slots.empty();
            Custody.giveBack(packet, undelivered);
            if (!undelivered) {
                delivered++;
                bytes += packet.length();
            }
            out[offset + taken++] = packet;
        }
        slots.settle();
        count(taken, delivered, bytes);
        return taken;
    }
}
