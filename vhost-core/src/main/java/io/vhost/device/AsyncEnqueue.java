package io.vhost.device;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.vhost.device.QueueCounters.Counter;
import io.vhost.dma.DmaChannel;
import io.vhost.net.Packet;
import io.vhost.ring.ChainBatch;
import io.vhost.ring.RingViolation;
import io.vhost.ring.DeviceRing;
import java.lang.foreign.MemorySegment;

/**
 * Application to guest through a DMA channel. Used under the queue's lock.
 *
 * <p>The processor writes the header, the channel copies the data. A packet is submitted whole or not at all;
 * when the channel has no room for the next one, its chains go back to the ring and the burst ends.
 */
final class AsyncEnqueue {
    private final DeviceRing ring;
    private final EnqueuePlan plan;
    private final QueueFormat format;
    private final QueueCounters counters;
    private final MemorySegment header;
    // The pieces of one packet.
    private final long[] pieceTarget;
    private final int[] pieceLength;
    private int pieces;

    AsyncEnqueue(DeviceRing ring, EnqueuePlan plan, QueueFormat format, QueueCounters counters,
            MemorySegment header) {
        this.ring = ring;
        this.plan = plan;
        this.format = format;
        this.counters = counters;
        this.header = header;
        int most = plan.batch().bufferCapacity();
        pieceTarget = new long[most];
        pieceLength = new int[most];
    }

    /** Submits up to {@code count} packets, at most {@link EnqueuePlan#MAX}; how many were accepted. */
    int submit(AsyncCopies async, Packet[] packets, int offset, int count, DmaChannel channel) {
        int planned = plan.make(packets, offset, Math.min(count, async.freeSlots()));
        if (planned == 0) {
            return 0;
        }
        int before = async.opened();
        channel.lock.lock();
        try {
            submitAll(async, packets, offset, planned, channel);
        } finally {
            channel.retain(async.opened() - before);
            channel.lock.unlock();
        }
        return async.opened() - before;
    }

    /** Whatever happens on the way, what was opened is submitted and its chains are taken, and no others. */
    @GuardedBy("channel.lock")
    private void submitAll(AsyncCopies async, Packet[] packets, int offset, int planned, DmaChannel channel) {
        ChainBatch batch = plan.batch();
        long now = System.nanoTime();
        int capacity = channel.capacity();
        if (plan.isOneToOne() && planned <= capacity && async.chains().canTake(batch, 0, planned)) {
            submitPlain(async, packets, offset, planned, channel, now);
            return;
        }
        int chain = 0;
        try {
            for (int i = 0; i < planned; i++) {
                Packet packet = packets[offset + i];
                int end = plan.endChain(i);
                int need = plan.needed(i);
                if (need == EnqueuePlan.DROP) {
                    async.undeliverable(async.open(packet, 0, channel, now));
                    continue;
                }
                if (!chainsAreFree(async, chain, end) || !async.chains().hasRoom(batch, chain, end)) {
                    break;
                }
                layOut(packet, chain, end, need);
                if (pieces > capacity) {
                    async.truncated();
                    counters.add(Counter.TRUNCATED, 1);
                    break;
                }
                capacity -= pieces;
                int slot = async.open(packet, pieces, channel, now);
                async.take(slot, batch, chain, end);
                chain = end;
                copy(async, packet, slot, channel);
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
            AsyncCopies async, Packet[] packets, int offset, int count, DmaChannel channel, long now) {
        ChainBatch batch = plan.batch();
        int opened = 0;
        try {
            putHeaders(packets, offset, count);
            int slot = async.openPlain(packets, offset, batch, count, channel, now);
            opened = count;
            copyPlain(async, packets, offset, count, slot, channel);
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

    @GuardedBy("channel.lock")
    private void copyPlain(
            AsyncCopies async, Packet[] packets, int offset, int count, int firstSlot, DmaChannel channel) {
        MemorySegment memory = ring.memory();
        ChainBatch batch = plan.batch();
        int headerLength = format.headerLength();
        int slot = firstSlot;
        int i = 0;
        try {
            while (i < count) {
                Packet packet = packets[offset + i];
                long target = batch.bufferOffset(i) + headerLength;
                int length = plan.needed(i++) - headerLength;
                int present = slot;
                slot = async.after(slot);
                copyOne(async, present, packet, packet.dataOffset(), memory, target, length, channel);
            }
        } finally {
            // After an error no copy of the rest is coming.
            for (; i < count; i++) {
                async.copyDone(slot, true);
                slot = async.after(slot);
            }
        }
    }

    @GuardedBy("channel.lock")
    private static void copyOne(
            AsyncCopies async,
            int slot,
            Packet packet,
            long source,
            MemorySegment memory,
            long target,
            int length,
            DmaChannel channel) {
        if (async.isShort(length)) {
            async.copyAtOnce(packet.segment(), source, memory, target, length, slot);
        } else {
            channel.copy(packet.segment(), source, memory, target, length, async, slot);
        }
    }

    private boolean chainsAreFree(AsyncCopies async, int from, int to) {
        return async.chains().canTake(plan.batch(), from, to)
                || ring.fault(RingViolation.HEAD_IN_FLIGHT, plan.batch().id(from));
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
        pieces = 0;
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
                    pieceTarget[pieces] = batch.bufferOffset(i) + ofHeader;
                    pieceLength[pieces++] = count - ofHeader;
                }
                done += count;
            }
            batch.written(chain, done - before);
        }
    }

    @GuardedBy("channel.lock")
    private void copy(AsyncCopies async, Packet packet, int slot, DmaChannel channel) {
        MemorySegment memory = ring.memory();
        long source = packet.dataOffset();
        int count = pieces;
        int piece = 0;
        try {
            while (piece < count) {
                int length = pieceLength[piece];
                copyOne(async, slot, packet, source, memory, pieceTarget[piece++], length, channel);
                source += length;
            }
        } finally {
            // After an error no copy of the rest is coming.
            for (; piece < count; piece++) {
                async.copyDone(slot, true);
            }
        }
    }
}
