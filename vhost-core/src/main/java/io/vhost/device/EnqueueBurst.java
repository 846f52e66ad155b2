package io.vhost.device;

import io.vhost.device.QueueCounters.Counter;
import io.vhost.net.InternetChecksum;
import io.vhost.net.NetHeader;
import io.vhost.net.Packet;
import io.vhost.net.PacketCopy;
import io.vhost.ring.ChainBatch;
import io.vhost.ring.RingViolation;
import io.vhost.ring.SplitRing;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Application to guest: copies a burst of packets into the guest's buffers. Used under the queue's lock.
 *
 * <p>First every packet gets its chains, one or, with mergeable buffers (virtio 1.2, 5.1.6.4), as many as it needs;
 * then all are copied.
 */
final class EnqueueBurst {
    /** Most packets worked on at once: enough to overlap cache misses, few enough to stay in the first-level cache. */
    static final int MAX = 32;

    private static final int DROP = -1;
    private static final int DROP_BAD_OFFLOAD = -2;

    private static final ValueLayout.OfLong OFFLOAD =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt TAIL = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort CHECKSUM_OFFSET =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final SplitRing ring;
    private final ChainBatch batch;
    private final QueueFormat format;
    private final QueueCounters counters;
    private final MemorySegment header;
    /** Bytes that each packet of the burst needs; negative if it is to be dropped. */
    private final int[] needed = new int[MAX];
    /** Index after the last chain of each packet of the burst. */
    private final int[] endChain = new int[MAX];

    EnqueueBurst(SplitRing ring, QueueFormat format, QueueCounters counters, MemorySegment header) {
        this.ring = ring;
        this.batch = new ChainBatch(ring.size());
        this.format = format;
        this.counters = counters;
        this.header = header;
    }

    /** Copies up to {@code count} packets, at most {@link #MAX}; how many were consumed. */
    int run(Packet[] packets, int offset, int count) {
        measure(packets, offset, count);
        ring.gather(batch, count);
        int consumed = copyAll(packets, offset, assignChains(count));
        if (batch.chains() > 0) {
            ring.publish(batch);
        }
        return consumed;
    }

    /** Reads all lengths first: a null or released packet is found before the ring is touched. */
    private void measure(Packet[] packets, int offset, int count) {
        int headerLength = format.headerLength();
        for (int i = 0; i < count; i++) {
            Packet packet = packets[offset + i];
            int length = packet.length();
            if (length <= 0) {
                throw new IllegalArgumentException("packets[" + (offset + i) + "] cannot be sent: " + packet
                        + "; send packets that hold data and are not back in their pool");
            }
            needed[i] = packet.offload() == 0 || offloadIsPossible(packet)
                    ? headerLength + length
                    : DROP_BAD_OFFLOAD;
        }
    }

    /** Completes the checksum here when the guest takes no partial ones. */
    private boolean offloadIsPossible(Packet packet) {
        if (packet.gsoType() != NetHeader.GSO_NONE
                || !NetHeader.isPlausible(packet.offload(), packet.checksumOffset(), packet.length())) {
            return false;
        }
        if (!format.checksums()) {
            if (packet.needsChecksum()) {
                counters.add(Counter.SOFTWARE_CHECKSUM, 1);
                InternetChecksum.complete(packet);
            }
            packet.clearOffload();
        }
        return true;
    }

    /** Gives packets their chains until chains run out; how many packets are done with. */
    private int assignChains(int count) {
        ChainBatch batch = this.batch;
        int chain = 0;
        int done = 0;
        while (done < count) {
            int first = chain;
            int need = needed[done];
            long room = 0;
            while (room < need) {
                if (chain == batch.chains() && ring.gather(batch, 1) == 0) {
                    break;
                }
                room += batch.length(chain++);
                if (!format.mergeable()) {
                    break;
                }
            }
            if (room < need) {
                boolean never = canNeverFit(first, chain);
                chain = first;
                if (!never) {
                    break;
                }
                needed[done] = DROP;
            }
            endChain[done++] = chain;
        }
        ring.ungather(batch, batch.chains() - chain);
        return done;
    }

    /** Whether no chain that may still come helps a packet for which those from {@code first} on do not suffice. */
    private boolean canNeverFit(int first, int end) {
        if (end == first) {
            return false;
        }
        if (batch.length(first) < format.headerLength()) {
            return ring.fault(RingViolation.NO_ROOM_FOR_HEADER, batch.length(first));
        }
        return !format.mergeable() || end - first == ring.size() || (first == 0 && batch.isFull());
    }

    /** Copies the packets that have their chains; how many are done with, all unless the guest broke a rule. */
    private int copyAll(Packet[] packets, int offset, int count) {
        MemorySegment memory = ring.memory();
        ChainBatch batch = this.batch;
        int headerLength = format.headerLength();
        int chain = 0;
        int packetCount = 0;
        long bytes = 0;
        int i = 0;
        for (; i < count; i++) {
            int need = needed[i];
            if (need < 0) {
                countDrop(need);
                continue;
            }
            Packet packet = packets[offset + i];
            int buffer = batch.firstBuffer(chain);
            if (batch.bufferLength(buffer) >= need) {
                long target = batch.bufferOffset(buffer);
                putHeader(packet, memory, target, 1);
                PacketCopy.copy(
                        packet.segment(), packet.dataOffset(), memory, target + headerLength, need - headerLength);
                batch.written(chain, need);
            } else if (!scatter(packet, chain, endChain[i], need)) {
                break;
            }
            chain = endChain[i];
            packetCount++;
            bytes += need - headerLength;
        }
        counters.add(Counter.PACKETS, packetCount);
        counters.add(Counter.BYTES, bytes);
        return i;
    }

    private void countDrop(int kind) {
        counters.add(kind == DROP_BAD_OFFLOAD ? Counter.BAD_OFFLOAD : Counter.NO_ROOM, 1);
    }

    /**
     * Writes the header only where it differs. In steady state it never does, and the guest's cache line stays shared
     * instead of travelling between two processors.
     */
    private void putHeader(Packet packet, MemorySegment memory, long target, int chains) {
        long offload = packet.offload();
        if (memory.get(OFFLOAD, target) != offload) {
            memory.set(OFFLOAD, target, offload);
        }
        long position = target + NetHeader.CHECKSUM_OFFSET_OFFSET;
        if (format.headerLength() == NetHeader.LENGTH) {
            int tail = packet.checksumOffset() | chains << 16;
            if (memory.get(TAIL, position) != tail) {
                memory.set(TAIL, position, tail);
            }
        } else if (memory.get(CHECKSUM_OFFSET, position) != (short) packet.checksumOffset()) {
            memory.set(CHECKSUM_OFFSET, position, (short) packet.checksumOffset());
        }
    }

    /** A packet that goes into more than one buffer. False when the guest left no room for the header. */
    private boolean scatter(Packet packet, int firstChain, int end, int need) {
        if (batch.length(firstChain) < format.headerLength()) {
            long length = batch.length(firstChain);
            ring.ungather(batch, batch.chains() - firstChain);
            return ring.fault(RingViolation.NO_ROOM_FOR_HEADER, length);
        }
        putHeader(packet, header, 0, end - firstChain);
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
        return true;
    }

    /** Bytes {@code position} to {@code position + count} of header and packet, as if they were one. */
    private void put(Packet packet, int position, long target, int count) {
        int ofHeader = Math.clamp(format.headerLength() - position, 0, count);
        if (ofHeader > 0) {
            MemorySegment.copy(header, position, ring.memory(), target, ofHeader);
        }
        if (ofHeader < count) {
            long source = packet.dataOffset() + position + ofHeader - format.headerLength();
            PacketCopy.copy(packet.segment(), source, ring.memory(), target + ofHeader, count - ofHeader);
        }
    }
}
