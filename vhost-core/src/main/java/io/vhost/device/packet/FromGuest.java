package io.vhost.device.packet;

import io.vhost.dma.DmaRegistry;
import io.vhost.dma.channel.CopyChannel;
import io.vhost.memory.MemoryFault;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.net.custody.Custody;
import io.vhost.queue.CopyLimits;
import io.vhost.queue.CopySlots;
import io.vhost.queue.QueueTally;
import io.vhost.ring.DeviceRing;
import java.util.Objects;
import java.util.function.Supplier;

/** The way from the guest. Used under the queue's lock; for bursts, the queue runs. */
public final class FromGuest extends PacketPath {
    private final Announcement announcement;
    private HeaderReader header;
    private DequeueBurst burst;
    private AsyncDequeue asyncBurst;

    /**
     * Serve a queue with it before anything else, see {@link #serve}.
     *
     * @param counters of the queue
     * @param registry as {@link PacketPath} has it
     * @param limits how asynchronous copies are treated
     * @param format what packets look like, asked whenever a ring is opened
     * @param announcement what the device itself has to send in the guest's name
     */
    public FromGuest(
            QueueTally counters, DmaRegistry registry, CopyLimits limits, Supplier<PacketFormat> format,
            Announcement announcement) {
        super(counters, registry, limits, format);
        this.announcement = announcement;
    }

    @Override
    void open(DeviceRing ring, PacketFormat format) {
        header = new HeaderReader(format, counters);
        burst = new DequeueBurst(life(), format, counters, header);
        asyncBurst = new AsyncDequeue(life(), format, counters, header);
    }

    /** As VirtQueue.dequeueBurst; the queue runs. */
    public int dequeue(PacketPool pool, Packet[] packets, int offset, int count) {
        requireNothingInFlight();
        int own = announce(pool, packets, offset, count);
        boolean complete = false;
        try {
            int before = life().ring().published();
            int moved = burst.run(pool, packets, offset + own, count - own);
            life().finish(before);
            MemoryFault.surface();
            complete = true;
            return own + moved;
        } catch (InternalError e) {
            life().memoryLost(e);
            return own;
        } finally {
            if (!complete) {
                // Memory is gone, and the error may come later than the access:
                // earlier chunks cannot be trusted either.
                pool.release(packets, offset + own, burst.done());
            }
        }
    }

    /** What the device itself sends in the guest's name, before the guest's packets. */
    private int announce(PacketPool pool, Packet[] packets, int offset, int count) {
        return announcement.isPending() ? announcement.take(pool, packets, offset, count) : 0;
    }

    /** As VirtQueue.tryDequeueBurst; the queue may have stopped. */
    public int tryDequeue(PacketPool pool, Packet[] packets, int offset, int count, CopyChannel channel) {
        Objects.checkFromIndexSize(offset, count, packets.length);
        if (!maySubmit(channel)) {
            return 0;
        }
        CopySlots<Packet> slots = async().slots();
        boolean runs = takesCopies();
        int own = runs ? announce(pool, packets, offset, count) : 0;
        int before = slots.opened();
        try {
            if (runs) {
                asyncBurst.run(slots, pool, count - own, channel);
                MemoryFault.surface();
            }
        } catch (InternalError e) {
            lostSince(before, e);
        } finally {
            submitted(before, count - own);
        }
        harvest(channel);
        return own + take(packets, offset + own, count - own);
    }

    /** Packets whose data has arrived; those without are put back into their pool. */
    @Override
    int take(Packet[] out, int offset, int count) {
        CopySlots<Packet> slots = async().slots();
        int taken = 0;
        int ended = 0;
        long bytes = 0;
        while (taken < count && slots.hasClosed()) {
            boolean undelivered = slots.isUndelivered(slots.oldest());
            Packet packet = slots.empty();
            Custody.giveBack(packet);
            ended++;
            if (!undelivered && header.check(packet)) {
                bytes += packet.length();
                out[offset + taken++] = packet;
            } else {
                packet.release();
            }
        }
        slots.settle();
        count(ended, taken, bytes);
        budget.spendCopies(taken, bytes);
        return taken;
    }
}
