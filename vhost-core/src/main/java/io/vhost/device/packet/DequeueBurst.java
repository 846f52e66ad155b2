package io.vhost.device.packet;

import io.vhost.memory.NativeCopy;
import io.vhost.net.NetHeader;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.queue.QueueLife;
import io.vhost.queue.QueueTally;
import io.vhost.ring.ChainBatch;
import io.vhost.ring.DeviceRing;
import io.vhost.state.QueueCounters.Counter;
import io.vhost.state.RingViolation;
import java.lang.foreign.MemorySegment;

/**
 * Guest to application: copies a burst of chains into packets. Used under the queue's lock.
 *
 * <p>A burst is worked in two passes, first all descriptors and then all copies, so that the cache misses of
 * the descriptors overlap.
 */
final class DequeueBurst extends Burst {
    private final DeviceRing ring;
    private final ChainBatch batch;
    private final PacketFormat format;
    private final HeaderReader header;
    private final long[] offload = new long[CHUNK];

    private PacketPool pool;

    DequeueBurst(QueueLife life, PacketFormat format, QueueTally counters, HeaderReader header) {
        super(life, counters);
        this.ring = life.ring();
        this.batch = new ChainBatch(ring.size());
        this.format = format;
        this.header = header;
    }

    /** Takes packets of a pool and fills them; how many. */
    int run(PacketPool from, Packet[] packets, int offset, int count) {
        pool = from;
        try {
            return run(packets, offset, count);
        } finally {
            pool = null;
        }
    }

    /**
     * Fills up to {@code count} packets. What it returns is delivered; nothing else was taken from the pool.
     */
    @Override
    int chunk(Packet[] packets, int offset, int count) {
        int chains = NetworkChains.gather(ring, batch, count, false);
        if (chains == 0) {
            return 0;
        }
        int taken = 0;
        int delivered = 0;
        boolean published = false;
        try {
            taken = pool.take(packets, offset, chains);
            if (taken < chains) {
                counters.add(Counter.POOL_EMPTY, 1);
                ring.ungather(batch, chains - taken);
                if (taken == 0) {
                    return 0;
                }
            }
            delivered = copyAll(packets, offset, taken);
            ring.publish(batch);
            published = true;
            return delivered;
        } finally {
            if (!published) {
                // A closed pool, or memory that has gone: the guest's packets stay in the ring, ours go back.
                ring.ungather(batch, batch.chains());
                delivered = 0;
            }
            if (delivered < taken) {
                pool.release(packets, offset + delivered, taken - delivered);
            }
        }
    }

    private int copyAll(Packet[] packets, int offset, int chains) {
        int headers = batch.isPlain() ? readHeaders(chains) : 0;
        return headers == chains ? copyPlain(packets, offset, chains) : copyAny(packets, offset, chains);
    }

    /**
     * Reads the headers of chains with one buffer; how many, up to the first that is too short. Nothing else
     * is done here, so that the processor fetches many packets' first cache lines at a time.
     */
    private int readHeaders(int chains) {
        MemorySegment memory = ring.memory();
        ChainBatch batch = this.batch;
        long[] offload = this.offload;
        int headerLength = format.headerLength();
        int i = 0;
        while (i < chains && batch.bufferLength(i) > headerLength) {
            long position = batch.bufferOffset(i);
            offload[i] = NetHeader.offload(memory, position);
            i++;
        }
        return i;
    }

    private int copyPlain(Packet[] packets, int offset, int chains) {
        MemorySegment memory = ring.memory();
        ChainBatch batch = this.batch;
        int headerLength = format.headerLength();
        int delivered = 0;
        long bytes = 0;
        for (int chain = 0; chain < chains; chain++) {
            Packet packet = packets[offset + delivered];
            int length = batch.bufferLength(chain) - headerLength;
            if (length > packet.capacity()) {
                counters.add(Counter.OVERSIZE, 1);
                continue;
            }
            long source = batch.bufferOffset(chain);
            packet.reset(length);
            NativeCopy.copy(memory, source + headerLength, packet.segment(), packet.dataOffset(), length);
            if ((offload[chain] & 0xFFFF) == 0 || accept(packet, offload[chain], memory, source)) {
                bytes += length;
                delivered++;
            }
        }
        count(delivered, bytes);
        ring.budget().spendCopies(delivered, bytes);
        return delivered;
    }

    private boolean accept(Packet packet, long word, MemorySegment memory, long position) {
        packet.offload(word, NetHeader.checksumOffset(memory, position));
        return header.check(packet);
    }

    /** Chains of any number of buffers. */
    private int copyAny(Packet[] packets, int offset, int chains) {
        int delivered = 0;
        long bytes = 0;
        for (int chain = 0; chain < chains; chain++) {
            Packet packet = packets[offset + delivered];
            long length = batch.length(chain) - format.headerLength();
            if (length > packet.capacity()) {
                counters.add(Counter.OVERSIZE, 1);
            } else if (collect(packet, chain, length)) {
                bytes += length;
                delivered++;
            }
        }
        count(delivered, bytes);
        ring.budget().spendCopies(delivered, bytes);
        return delivered;
    }

    /** A packet in more than one buffer, or a chain too short to be one. */
    private boolean collect(Packet packet, int chain, long length) {
        if (length <= 0) {
            return ring.fault(RingViolation.NO_ROOM_FOR_HEADER, batch.length(chain));
        }
        packet.reset((int) length);
        header.read(ring.memory(), batch, chain, packet);
        long target = packet.dataOffset();
        int ofHeader = format.headerLength();
        for (int i = batch.firstBuffer(chain); i < batch.endBuffer(chain); i++) {
            int skip = Math.min(ofHeader, batch.bufferLength(i));
            int count = batch.bufferLength(i) - skip;
            ofHeader -= skip;
            NativeCopy.copy(ring.memory(), batch.bufferOffset(i) + skip, packet.segment(), target, count);
            target += count;
        }
        return header.check(packet);
    }
}
