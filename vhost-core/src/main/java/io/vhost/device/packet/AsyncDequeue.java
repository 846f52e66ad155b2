package io.vhost.device.packet;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.vhost.dma.channel.CopyChannel;
import io.vhost.net.NetHeader;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.queue.CopySlots;
import io.vhost.queue.QueueLife;
import io.vhost.queue.QueueTally;
import io.vhost.ring.ChainBatch;
import io.vhost.ring.DeviceRing;
import io.vhost.state.QueueCounters.Counter;
import io.vhost.state.RingViolation;
import java.lang.foreign.MemorySegment;

/**
 * Guest to application through a DMA channel. Used under the queue's lock.
 *
 * <p>The processor reads the header into the packet when it submits;
 * what the header says is believed only when the data has arrived.
 */
final class AsyncDequeue extends Burst {
    private final DeviceRing ring;
    private final ChainBatch batch;
    private final PacketFormat format;
    private final HeaderReader header;
    private final CopyRun copies;
    private final Packet[] fresh = new Packet[CHUNK];
    private final long[] offload = new long[CHUNK];
    // Of the burst under way.
    private CopySlots<Packet> slots;
    private PacketPool pool;
    private CopyChannel burstChannel;

    AsyncDequeue(QueueLife life, PacketFormat format, QueueTally counters, HeaderReader header) {
        super(life, counters);
        this.ring = life.ring();
        this.batch = new ChainBatch(ring.size());
        this.format = format;
        this.header = header;
        this.copies = new CopyRun(ring.memory(), false, batch.bufferCapacity());
    }

    /** Submits up to {@code count} chains into packets of a pool; how many is to be seen in the slots. */
    void run(CopySlots<Packet> into, PacketPool from, int count, CopyChannel by) {
        slots = into;
        pool = from;
        burstChannel = by;
        try {
            run(fresh, 0, count);
        } finally {
            slots = null;
            pool = null;
            burstChannel = null;
        }
    }

    @Override
    int chunk(Packet[] unused, int offset, int count) {
        CopySlots<Packet> slots = this.slots;
        int chains = NetworkChains.gather(ring, batch, Math.min(count, slots.freeSlots()), false);
        if (chains == 0) {
            return 0;
        }
        int before = slots.opened();
        int taken = 0;
        try {
            taken = pool.take(fresh, 0, chains);
            if (taken < chains) {
                counters.add(Counter.POOL_EMPTY, 1);
            }
            submitLocked(slots, taken, burstChannel);
        } finally {
            int accepted = slots.opened() - before;
            inFlight(fresh, 0, accepted);
            ring.keep(batch, accepted);
            pool.release(fresh, accepted, taken - accepted);
        }
        return slots.opened() - before;
    }

    private void submitLocked(CopySlots<Packet> slots, int chains, CopyChannel channel) {
        int before = slots.opened();
        channel.lock.lock();
        try {
            submitAll(slots, chains, channel);
        } finally {
            channel.retain(slots.opened() - before);
            channel.lock.unlock();
        }
    }

    /** Opens a slot for each chain; what is opened is submitted, whatever happens on the way. */
    @GuardedBy("channel.lock")
    private void submitAll(CopySlots<Packet> slots, int chains, CopyChannel channel) {
        long now = System.nanoTime();
        int capacity = channel.capacity();
        if (chains <= capacity && batch.isPlain() && readHeaders(chains)
                && slots.chains().canTake(batch, 0, chains)) {
            submitPlain(slots, chains, channel, now);
            return;
        }
        try {
            for (int chain = 0; chain < chains; chain++) {
                long length = batch.length(chain) - format.headerLength();
                if (length <= 0) {
                    ring.fault(RingViolation.NO_ROOM_FOR_HEADER, batch.length(chain));
                    break;
                }
                if (!slots.chains().canTake(batch, chain, chain + 1)) {
                    ring.fault(RingViolation.HEAD_IN_FLIGHT, batch.id(chain));
                    break;
                }
                boolean fits = length <= fresh[chain].capacity();
                layOut(chain, fits);
                int left = copies.roomAfter(capacity, channel);
                if (left < 0) {
                    slots.truncated();
                    counters.add(Counter.TRUNCATED, 1);
                    break;
                }
                capacity = left;
                submit(slots, chain, fits ? (int) length : -1, channel, now);
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
    private boolean readHeaders(int chains) {
        MemorySegment memory = ring.memory();
        ChainBatch batch = this.batch;
        int headerLength = format.headerLength();
        for (int i = 0; i < chains; i++) {
            int length = batch.bufferLength(i) - headerLength;
            if (length <= 0 || length > fresh[i].capacity()) {
                return false;
            }
            offload[i] = NetHeader.offload(memory, batch.bufferOffset(i));
            batch.written(i, 0);
        }
        return true;
    }

    /** The common case, in which nothing can go wrong but an engine, or memory that goes. */
    @GuardedBy("channel.lock")
    private void submitPlain(CopySlots<Packet> slots, int count, CopyChannel channel, long now) {
        try {
            prepare(count);
            int slot = slots.openPlain(fresh, 0, batch, count, channel, now);
            copies.copyPlain(slots, slot, fresh, 0, count, batch, format.headerLength(), channel);
        } finally {
            channel.submit();
        }
    }

    private void prepare(int count) {
        MemorySegment memory = ring.memory();
        int headerLength = format.headerLength();
        for (int i = 0; i < count; i++) {
            Packet packet = fresh[i];
            packet.reset(batch.bufferLength(i) - headerLength);
            // Few packets ask for anything.
            if ((offload[i] & 0xFFFF) != 0) {
                packet.offload(offload[i], NetHeader.checksumOffset(memory, batch.bufferOffset(i)));
            }
        }
    }

    /** Opens a slot for one chain; a length below 0 says that no packet can hold it. */
    @GuardedBy("channel.lock")
    private void submit(
            CopySlots<Packet> slots, int chain, int length, CopyChannel channel, long now) {
        Packet packet = fresh[chain];
        if (length < 0) {
            counters.add(Counter.OVERSIZE, 1);
        } else {
            packet.reset(length);
            header.read(ring.memory(), batch, chain, packet);
        }
        batch.written(chain, 0);
        int slot = slots.open(packet, copies.pieces(), channel, now);
        slots.take(slot, batch, chain, chain + 1);
        if (length < 0) {
            slots.undeliverable(slot);
        } else {
            copies.copyPieces(slots, slot, packet, channel);
        }
    }

    /** Lists the pieces of a chain that hold data; none if they are not wanted. */
    private void layOut(int chain, boolean wanted) {
        copies.clear();
        int rest = format.headerLength();
        for (int i = batch.firstBuffer(chain); i < batch.endBuffer(chain) && wanted; i++) {
            int ofHeader = Math.min(rest, batch.bufferLength(i));
            rest -= ofHeader;
            if (batch.bufferLength(i) > ofHeader) {
                copies.add(batch.bufferOffset(i) + ofHeader, batch.bufferLength(i) - ofHeader);
            }
        }
    }
}
