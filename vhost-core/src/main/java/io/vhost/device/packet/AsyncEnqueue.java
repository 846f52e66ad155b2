package io.vhost.device.packet;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.vhost.dma.channel.CopyChannel;
import io.vhost.net.Packet;
import io.vhost.queue.CopySlots;
import io.vhost.queue.QueueLife;
import io.vhost.queue.QueueTally;
import io.vhost.ring.ChainBatch;
import io.vhost.ring.DeviceRing;
import io.vhost.state.QueueCounters.Counter;
import io.vhost.state.RingViolation;
import java.lang.foreign.MemorySegment;

/**
 * Application to guest through a DMA channel. Used under the queue's lock.
 *
 * <p>The processor writes the header, the channel copies the data. A packet is submitted whole or not at all;
 * when the channel has no room for the next one, its chains go back to the ring and the burst ends.
 */
final class AsyncEnqueue extends Burst {
    private final DeviceRing ring;
    private final EnqueuePlan plan;
    private final PacketFormat format;
    private final MemorySegment header;
    private final CopyRun copies;
    // Of the burst under way.
    private CopySlots<Packet> slots;
    private CopyChannel burstChannel;

    AsyncEnqueue(QueueLife life, EnqueuePlan plan, PacketFormat format, QueueTally counters,
            MemorySegment header) {
        super(life, counters);
        this.ring = life.ring();
        this.plan = plan;
        this.format = format;
        this.header = header;
        this.copies = new CopyRun(ring.memory(), true, plan.batch().bufferCapacity());
    }

    /** Submits packets to a channel; how many were accepted is to be seen in the slots. */
    void run(CopySlots<Packet> into, Packet[] packets, int offset, int count, CopyChannel by) {
        slots = into;
        burstChannel = by;
        try {
            run(packets, offset, count);
        } finally {
            slots = null;
            burstChannel = null;
        }
    }

    @Override
    int chunk(Packet[] packets, int offset, int count) {
        CopyChannel channel = burstChannel;
        CopySlots<Packet> slots = this.slots;
        int planned = plan.make(packets, offset, Math.min(count, slots.freeSlots()));
        if (planned == 0) {
            return 0;
        }
        int before = slots.opened();
        channel.lock.lock();
        try {
            submitAll(slots, packets, offset, planned, channel);
        } finally {
            channel.retain(slots.opened() - before);
            channel.lock.unlock();
            inFlight(packets, offset, slots.opened() - before);
        }
        return slots.opened() - before;
    }

    /** Whatever happens on the way, what was opened is submitted and its chains are taken, and no others. */
    @GuardedBy("channel.lock")
    private void submitAll(
            CopySlots<Packet> slots, Packet[] packets, int offset, int planned, CopyChannel channel) {
        ChainBatch batch = plan.batch();
        long now = System.nanoTime();
        int capacity = channel.capacity();
        if (plan.isOneToOne() && planned <= capacity && slots.chains().canTake(batch, 0, planned)) {
            submitPlain(slots, packets, offset, planned, channel, now);
            return;
        }
        int chain = 0;
        try {
            for (int i = 0; i < planned; i++) {
                Packet packet = packets[offset + i];
                int end = plan.endChain(i);
                int need = plan.needed(i);
                if (need == EnqueuePlan.DROP) {
                    slots.undeliverable(slots.open(packet, 0, channel, now));
                    continue;
                }
                if (!chainsAreFree(slots, chain, end)) {
                    break;
                }
                layOut(packet, chain, end, need);
                int left = copies.roomAfter(capacity, channel);
                if (left < 0) {
                    slots.truncated();
                    counters.add(Counter.TRUNCATED, 1);
                    break;
                }
                capacity = left;
                int slot = slots.open(packet, copies.pieces(), channel, now);
                slots.take(slot, batch, chain, end);
                chain = end;
                copies.copyPieces(slots, slot, packet, channel);
            }
        } finally {
            channel.submit();
            ring.keep(batch, chain);
        }
    }

    /**
     * Each packet into the one buffer that it has. One thing after the other for all packets, so that the
     * guest's cache lines come together.
     */
    @GuardedBy("channel.lock")
    private void submitPlain(
            CopySlots<Packet> slots, Packet[] packets, int offset, int count, CopyChannel channel, long now) {
        ChainBatch batch = plan.batch();
        int opened = 0;
        try {
            putHeaders(packets, offset, count);
            int slot = slots.openPlain(packets, offset, batch, count, channel, now);
            opened = count;
            copies.copyPlain(slots, slot, packets, offset, count, batch, format.headerLength(), channel);
        } finally {
            channel.submit();
            ring.keep(batch, opened);
        }
    }

    private void putHeaders(Packet[] packets, int offset, int count) {
        MemorySegment memory = ring.memory();
        ChainBatch batch = plan.batch();
        for (int i = 0; i < count; i++) {
            plan.putHeader(packets[offset + i], memory, batch.bufferOffset(i), 1);
            batch.written(i, plan.needed(i));
        }
    }

    /** False also where their buffers cannot be kept until others have come back. */
    private boolean chainsAreFree(CopySlots<Packet> slots, int from, int to) {
        ChainBatch batch = plan.batch();
        if (!slots.chains().canTake(batch, from, to)) {
            return ring.fault(RingViolation.HEAD_IN_FLIGHT, batch.id(from));
        }
        return slots.chains().hasRoom(batch, from, to);
    }

    /** Writes the header and lists the pieces of data. */
    private void layOut(Packet packet, int firstChain, int end, int need) {
        ChainBatch batch = plan.batch();
        int headerLength = format.headerLength();
        boolean inOnePiece = batch.bufferLength(batch.firstBuffer(firstChain)) >= headerLength;
        if (inOnePiece) {
            plan.putHeader(packet, ring.memory(), batch.bufferOffset(batch.firstBuffer(firstChain)),
                    end - firstChain);
        } else {
            plan.putHeader(packet, header, 0, end - firstChain);
        }
        copies.clear();
        int done = 0;
        for (int chain = firstChain; chain < end; chain++) {
            int before = done;
            for (int i = batch.firstBuffer(chain); i < batch.endBuffer(chain) && done < need; i++) {
                int count = Math.min(batch.bufferLength(i), need - done);
                int ofHeader = Math.clamp(headerLength - done, 0, count);
                if (ofHeader > 0 && !inOnePiece) {
                    MemorySegment.copy(header, done, ring.memory(), batch.bufferOffset(i), ofHeader);
                }
                if (count > ofHeader) {
                    copies.add(batch.bufferOffset(i) + ofHeader, count - ofHeader);
                }
                done += count;
            }
            batch.written(chain, done - before);
        }
    }
}
