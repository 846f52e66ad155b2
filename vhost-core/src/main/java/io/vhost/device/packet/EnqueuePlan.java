package io.vhost.device.packet;

import io.vhost.net.InternetChecksum;
import io.vhost.net.NetHeader;
import io.vhost.net.Packet;
import io.vhost.net.custody.BurstCheck;
import io.vhost.queue.QueueTally;
import io.vhost.ring.ChainBatch;
import io.vhost.ring.DeviceRing;
import io.vhost.ring.WorkBudget;
import io.vhost.state.QueueCounters.Counter;
import io.vhost.state.RingViolation;
import java.lang.foreign.MemorySegment;

/**
 * Which chains each packet of a burst to the guest goes into: one, or, with mergeable buffers
 * (virtio 1.2, 5.1.6.4), as many as it needs. Made before anything is copied, in the same way for copies by
 * the caller and by a DMA engine.
 */
final class EnqueuePlan {
    /** Instead of a number of bytes: the packet is done with and not sent. */
    static final int DROP = -1;

    private static final int BAD_OFFLOAD = -2;

    private final DeviceRing ring;
    private final ChainBatch batch;
    private final PacketFormat format;
    private final QueueTally counters;
    private final int[] needed = new int[Burst.CHUNK];
    private final int[] endChain = new int[Burst.CHUNK];
    private boolean oneToOne;
    private boolean badOffloads;

    EnqueuePlan(DeviceRing ring, PacketFormat format, QueueTally counters) {
        this.ring = ring;
        this.batch = new ChainBatch(ring.size());
        this.format = format;
        this.counters = counters;
    }

    ChainBatch batch() {
        return batch;
    }

    /** Bytes that a packet of the burst needs, its header included, or {@link #DROP}. */
    int needed(int packet) {
        return needed[packet];
    }

    /** Index after the last chain of a packet of the burst; its first is where its predecessor ends. */
    int endChain(int packet) {
        return oneToOne ? packet + 1 : endChain[packet];
    }

    /**
     * Plans a burst. The chains of the packets that are planned are in the batch afterwards, and no others.
     *
     * @return packets that are planned, 0 to {@code count}: the rest found no free buffers
     */
    int make(Packet[] packets, int offset, int count) {
        measure(packets, offset, count);
        int chains = NetworkChains.gather(ring, batch, count, true);
        if (isOneToOne(chains)) {
            return chains;
        }
        int planned = assignChains(count);
        if (badOffloads) {
            countBadOffloads(planned);
        }
        return planned;
    }

    /** Reads all lengths first: a packet that cannot be sent is found before the ring is touched. */
    private void measure(Packet[] packets, int offset, int count) {
        int headerLength = format.headerLength();
        for (int i = 0; i < count; i++) {
            Packet packet = packets[offset + i];
            int length = BurstCheck.length(packets, offset + i);
            needed[i] = packet.offload() == 0 || offloadIsPossible(packet)
                    ? headerLength + length : BAD_OFFLOAD;
        }
    }

    /** Completes the checksum here when the guest takes no partial ones. */
    private boolean offloadIsPossible(Packet packet) {
        if (!format.segmentations().accept(packet.gsoType())
                || !NetHeader.isPlausible(packet.offload(), packet.checksumOffset(), packet.length())) {
            badOffloads = true;
            return false;
        }
        if (!format.checksums() && packet.gsoType() == NetHeader.GSO_NONE) {
            if (packet.needsChecksum()) {
                counters.add(Counter.SOFTWARE_CHECKSUM, 1);
                InternetChecksum.complete(packet);
            }
            packet.clearOffload();
        }
        return true;
    }

    /** Only now, since those that are not planned will come again. */
    private void countBadOffloads(int planned) {
        badOffloads = false;
        for (int i = 0; i < planned; i++) {
            if (needed[i] == BAD_OFFLOAD) {
                needed[i] = DROP;
                counters.add(Counter.BAD_OFFLOAD, 1);
            }
        }
    }

    /**
     * Whether each of the first {@code count} packets has the one buffer of the chain with its number, the
     * common case. Otherwise, ask for {@link #endChain}.
     */
    boolean isOneToOne(int count) {
        boolean fits = batch.isPlain() && !badOffloads;
        for (int i = 0; i < count && fits; i++) {
            fits = needed[i] <= batch.bufferLength(i);
        }
        oneToOne = fits;
        return fits;
    }

    boolean isOneToOne() {
        return oneToOne;
    }

    private int assignChains(int count) {
        ChainBatch batch = this.batch;
        WorkBudget budget = ring.budget();
        int headerLength = format.headerLength();
        int chain = 0;
        int done = 0;
        while (done < count) {
            int first = chain;
            int need = needed[done];
            long room = 0;
            while (room < need) {
                if (chain == batch.chains() && !gatherNext(done)) {
                    break;
                }
                room += batch.length(chain++);
                if (room < need && (!format.mergeable() || room < headerLength)) {
                    break;
                }
            }
            int looked = chain - first;
            budget.spend(looked, room);
            if (room < need) {
                boolean never = canNeverFit(first, chain);
                chain = first;
                if (!never) {
                    break;
                }
                needed[done] = DROP;
                counters.add(Counter.NO_ROOM, 1);
            }
            endChain[done++] = chain;
            if (room < need && looked > 1 && budget.isSpent()) {
                break; // The next packet would add all these chains up again.
            }
        }
        ring.ungather(batch, batch.chains() - chain);
        return done;
    }

    /**
     * Takes one chain more. What began with a budget is finished without, but only for the first packet, so
     * that each goes on at some time.
     */
    private boolean gatherNext(int done) {
        return (done == 0 || !ring.budget().isSpent()) && NetworkChains.gather(ring, batch, 1, true) > 0;
    }

    /**
     * Whether no chain that may still come helps a packet for which those from {@code first} on do not
     * suffice. A first chain without room for the header is a fault.
     */
    private boolean canNeverFit(int first, int end) {
        if (end == first) {
            return false;
        }
        if (batch.length(first) < format.headerLength()) {
            return ring.fault(RingViolation.NO_ROOM_FOR_HEADER, batch.length(first));
        }
        return !format.mergeable() || isWholeRing(first, end) || (first == 0 && batch.isFull());
    }

    /** Whether a ring that has these chains has no room for another like them. */
    private boolean isWholeRing(int first, int end) {
        int left = ring.size() - batch.descriptors(first, end);
        int chain = first;
        while (chain < end && batch.descriptors(chain, chain + 1) > left) {
            chain++;
        }
        return chain == end;
    }

    /** Writes the header of a packet that goes into so many chains, where it differs from what is there. */
    void putHeader(Packet packet, MemorySegment memory, long target, int chains) {
        NetHeader.update(
                memory, target, format.headerLength(), packet.offload(), packet.checksumOffset(), chains);
    }
}
