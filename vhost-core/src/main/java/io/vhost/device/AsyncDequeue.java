package io.vhost.device;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.vhost.device.QueueCounters.Counter;
import io.vhost.dma.DmaChannel;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.ring.ChainBatch;
import io.vhost.ring.RingViolation;
import io.vhost.ring.DeviceRing;
import java.lang.foreign.MemorySegment;

/**
 * Guest to application through a DMA channel. Used under the queue's lock.
 *
 * <p>The processor reads the header when it submits;
 * what the header says is believed only when the data has arrived.
 */
final class AsyncDequeue {
    private final DeviceRing ring;
    private final ChainBatch batch;
    private final QueueFormat format;
    private final QueueCounters counters;
    private final HeaderReader header;
    private final long[] offload = new long[EnqueuePlan.MAX];

    AsyncDequeue(DeviceRing ring, QueueFormat format, QueueCounters counters, HeaderReader header) {
        this.ring = ring;
        this.batch = new ChainBatch(ring.size());
        this.format = format;
        this.counters = counters;
        this.header = header;
    }

    /**
     * Submits up to {@code count} chains, at most {@link EnqueuePlan#MAX},
     * into packets of the pool; how many.
     */
    int submit(AsyncCopies async, PacketPool pool, Packet[] scratch, int count, DmaChannel channel) {
        int chains = NetworkChains.gather(ring, batch, Math.min(count, async.freeSlots()), false);
        if (chains == 0) {
            return 0;
        }
        int before = async.opened();
        int taken = 0;
        try {
            taken = pool.take(scratch, 0, chains);
            if (taken < chains) {
                counters.add(Counter.POOL_EMPTY, 1);
            }
            submitLocked(async, scratch, taken, channel);
        } finally {
            int accepted = async.opened() - before;
            ring.keep(batch, accepted);
            pool.release(scratch, accepted, taken - accepted);
        }
        return async.opened() - before;
    }

    private void submitLocked(AsyncCopies async, Packet[] packets, int chains, DmaChannel channel) {
        int before = async.opened();
        channel.lock.lock();
        try {
            submitAll(async, packets, chains, channel);
        } finally {
            channel.retain(async.opened() - before);
            channel.lock.unlock();
        }
    }

    /** Opens a slot for each chain; what is opened is submitted, whatever happens on the way. */
    @GuardedBy("channel.lock")
    private void submitAll(AsyncCopies async, Packet[] packets, int chains, DmaChannel channel) {
        long now = System.nanoTime();
        int capacity = channel.capacity();
        if (chains <= capacity && batch.isPlain() && readHeaders(packets, chains)
                && async.chains().canTake(batch, 0, chains)) {
            submitPlain(async, packets, chains, channel, now);
            return;
        }
        try {
            for (int chain = 0; chain < chains; chain++) {
                long length = batch.length(chain) - format.headerLength();
                if (length <= 0) {
                    ring.fault(RingViolation.NO_ROOM_FOR_HEADER, batch.length(chain));
                    break;
                }
                if (!async.chains().canTake(batch, chain, chain + 1)) {
                    ring.fault(RingViolation.HEAD_IN_FLIGHT, batch.id(chain));
                    break;
                }
                boolean fits = length <= packets[chain].capacity();
                int copies = fits ? copies(chain) : 0;
                if (copies > capacity) {
                    async.truncated();
                    counters.add(Counter.TRUNCATED, 1);
                    break;
                }
                capacity -= copies;
                open(async, packets[chain], chain, fits ? (int) length : -1, copies, channel, now);
            }
        } finally {
            channel.submit();
        }
    }

    /**
     * Reads the headers of chains with one buffer each. Nothing else is done here, so that the processor
     * fetches many packets' first cache lines at a time.
     *
     * @return false when one of them is too short or too long for its packet
     */
    private boolean readHeaders(Packet[] packets, int chains) {
        MemorySegment memory = ring.memory();
        int headerLength = format.headerLength();
        for (int i = 0; i < chains; i++) {
            int length = batch.bufferLength(i) - headerLength;
            if (length <= 0 || length > packets[i].capacity()) {
                return false;
            }
            offload[i] = HeaderReader.offload(memory, batch.bufferOffset(i));
            batch.written(i, 0);
        }
        return true;
    }

    /** The common case, in which nothing can go wrong but an engine, or memory that goes. */
    @GuardedBy("channel.lock")
    private void submitPlain(AsyncCopies async, Packet[] packets, int count, DmaChannel channel, long now) {
        MemorySegment memory = ring.memory();
        int headerLength = format.headerLength();
        int slot = async.openPlain(packets, 0, batch, count, channel, now);
        int i = 0;
        try {
            while (i < count) {
                Packet packet = packets[i];
                long source = batch.bufferOffset(i);
                int length = batch.bufferLength(i) - headerLength;
                long word = offload[i];
                packet.reset(length);
                // Few packets ask for anything.
                async.header(slot, word, word == 0 ? 0 : HeaderReader.checksumOffset(memory, source));
                int present = slot;
                slot = async.after(slot);
                i++;
                copyOne(async, present, memory, source + headerLength, packet, packet.dataOffset(), length,
                        channel);
            }
        } finally {
            // After an error no copy of the rest is coming.
            for (; i < count; i++) {
                async.copyDone(slot, true);
                slot = async.after(slot);
            }
            channel.submit();
        }
    }

    /** Opens a slot for one chain; a length below 0 says that no packet can hold it. */
    @GuardedBy("channel.lock")
    private void open(
            AsyncCopies async, Packet packet, int chain, int length, int copies, DmaChannel channel,
            long now) {
        if (length < 0) {
            counters.add(Counter.OVERSIZE, 1);
        } else {
            packet.reset(length);
            header.read(ring.memory(), batch, chain);
        }
        batch.written(chain, 0);
        int slot = async.open(packet, copies, channel, now);
        async.take(slot, batch, chain, chain + 1);
        if (length < 0) {
            async.undeliverable(slot);
        } else {
            async.header(slot, header.offload(), header.checksumOffset());
            copy(async, packet, slot, chain, copies, channel);
        }
    }

    @GuardedBy("channel.lock")
    private static void copyOne(
            AsyncCopies async,
            int slot,
            MemorySegment memory,
            long source,
            Packet packet,
            long target,
            int length,
            DmaChannel channel) {
        if (async.isShort(length)) {
            async.copyAtOnce(memory, source, packet.segment(), target, length, slot);
        } else {
            channel.copy(memory, source, packet.segment(), target, length, async, slot);
        }
    }

    /** Buffers of a chain that hold data. */
    private int copies(int chain) {
        int rest = format.headerLength();
        int count = 0;
        for (int i = batch.firstBuffer(chain); i < batch.endBuffer(chain); i++) {
            if (batch.bufferLength(i) > rest) {
                count++;
            }
            rest = Math.max(0, rest - batch.bufferLength(i));
        }
        return count;
    }

    @GuardedBy("channel.lock")
    private void copy(AsyncCopies async, Packet packet, int slot, int chain, int copies, DmaChannel channel) {
        MemorySegment memory = ring.memory();
        int rest = format.headerLength();
        long target = packet.dataOffset();
        int missing = copies;
        try {
            for (int i = batch.firstBuffer(chain); missing > 0; i++) {
                int ofHeader = Math.min(rest, batch.bufferLength(i));
                int count = batch.bufferLength(i) - ofHeader;
                rest -= ofHeader;
                if (count > 0) {
                    missing--;
                    copyOne(async, slot, memory, batch.bufferOffset(i) + ofHeader, packet, target, count,
                            channel);
                    target += count;
                }
            }
        } finally {
            // After an error no copy of the rest is coming.
            for (; missing > 0; missing--) {
                async.copyDone(slot, true);
            }
        }
    }
}
