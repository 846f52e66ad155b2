package io.vhost.device.packet;

import io.vhost.memory.NativeCopy;
import io.vhost.net.Packet;
import io.vhost.queue.QueueLife;
import io.vhost.queue.QueueTally;
import io.vhost.ring.ChainBatch;
import io.vhost.ring.DeviceRing;
import java.lang.foreign.MemorySegment;

/**
 * Application to guest: copies a burst of packets into the guest's buffers. Used under the queue's lock.
 *
 * <p>First every packet gets its chains, then all are copied.
 */
final class EnqueueBurst extends Burst {
    private final DeviceRing ring;
    private final EnqueuePlan plan;
    private final PacketFormat format;
    // The header of a packet that does not begin in one piece is put together here;
    // native like everything copied.
    private final MemorySegment header;

    EnqueueBurst(QueueLife life, EnqueuePlan plan, PacketFormat format, QueueTally counters,
            MemorySegment header) {
        super(life, counters);
        this.ring = life.ring();
        this.plan = plan;
        this.format = format;
        this.header = header;
    }

    @Override
    int chunk(Packet[] packets, int offset, int count) {
        int planned = plan.make(packets, offset, count);
        ChainBatch batch = plan.batch();
        boolean copied = false;
        try {
            if (plan.isOneToOne()) {
                copyOneToOne(packets, offset, planned);
            } else {
                copyAll(packets, offset, planned);
            }
            copied = true;
        } finally {
            if (!copied) {
                // Memory that has gone, the guest's or a packet's: the guest keeps its buffers.
                ring.ungather(batch, batch.chains());
            }
        }
        if (batch.chains() > 0) {
            ring.publish(batch);
        }
        return planned;
    }

    /**
     * Each packet into the one buffer that it has:
     * first all headers, so that the guest's cache lines come together.
     */
    private void copyOneToOne(Packet[] packets, int offset, int count) {
        MemorySegment memory = ring.memory();
        ChainBatch batch = plan.batch();
        int headerLength = format.headerLength();
        for (int i = 0; i < count; i++) {
            plan.putHeader(packets[offset + i], memory, batch.bufferOffset(i), 1);
        }
        long bytes = 0;
        for (int i = 0; i < count; i++) {
            Packet packet = packets[offset + i];
            int need = plan.needed(i);
            int length = need - headerLength;
            NativeCopy.copy(
                    packet.segment(), packet.dataOffset(),
                    memory, batch.bufferOffset(i) + headerLength, length);
            batch.written(i, need);
            bytes += length;
        }
        count(count, bytes);
    }

    private void copyAll(Packet[] packets, int offset, int count) {
        MemorySegment memory = ring.memory();
        EnqueuePlan plan = this.plan;
        ChainBatch batch = plan.batch();
        int headerLength = format.headerLength();
        int chain = 0;
        int packetCount = 0;
        long bytes = 0;
        for (int i = 0; i < count; i++) {
            int need = plan.needed(i);
            if (need == EnqueuePlan.DROP) {
                continue;
            }
            Packet packet = packets[offset + i];
            int buffer = batch.firstBuffer(chain);
            int end = plan.endChain(i);
            if (end == chain + 1 && batch.bufferLength(buffer) >= need) {
                long target = batch.bufferOffset(buffer);
                plan.putHeader(packet, memory, target, 1);
                NativeCopy.copy(
                        packet.segment(), packet.dataOffset(),
                        memory, target + headerLength, need - headerLength);
                batch.written(chain, need);
            } else {
                scatter(packet, chain, end, need);
            }
            chain = end;
            packetCount++;
            bytes += need - headerLength;
        }
        count(packetCount, bytes);
    }

    /** A packet that goes into more than one buffer. */
    private void scatter(Packet packet, int firstChain, int end, int need) {
        ChainBatch batch = plan.batch();
        plan.putHeader(packet, header, 0, end - firstChain);
        int done = 0;
        for (int chain = firstChain; chain < end; chain++) {
            int before = done;
            for (int i = batch.firstBuffer(chain); i < batch.endBuffer(chain) && done < need; i++) {
                int count = Math.min(batch.bufferLength(i), need - done);
                put(packet, done, batch.bufferOffset(i), count);
                done += count;
            }
            batch.written(chain, done - before);
        }
    }

    /** Bytes {@code position} to {@code position + count} of header and packet, as if they were one. */
    private void put(Packet packet, int position, long target, int count) {
        int ofHeader = Math.clamp(format.headerLength() - position, 0, count);
        if (ofHeader > 0) {
            MemorySegment.copy(header, position, ring.memory(), target, ofHeader);
        }
        if (ofHeader < count) {
            long source = packet.dataOffset() + position + ofHeader - format.headerLength();
            NativeCopy.copy(packet.segment(), source, ring.memory(), target + ofHeader, count - ofHeader);
        }
    }
}
