package io.vhost.device;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.vhost.Slab;
import io.vhost.dma.DmaChannel;
import io.vhost.dma.DmaRegistry;
import io.vhost.dma.HeldEngine;
import io.vhost.memory.GuestMemory;
import io.vhost.memory.MemoryRegion;
import io.vhost.memory.NativeCopy;
import io.vhost.ring.ChainBatch;
import io.vhost.ring.RingAddresses;
import io.vhost.ring.RingOptions;
import io.vhost.ring.SplitDriverRing;
import io.vhost.ring.SplitRing;
import java.lang.foreign.MemorySegment;

/** Two packets in flight, of one copy each, without a queue around them. */
final class TwoInFlight {
    private static final int SIZE = 2;
    private static final long BUFFER = 128;
    private static final long SOURCE = 192;
    private static final Slab SLAB = new Slab(256);
    private static final MemorySegment MEMORY = SLAB.memory();
    private static final GuestMemory GUEST_MEMORY =
            GuestMemory.of(MEMORY, new MemoryRegion(0, 0, MEMORY.byteSize(), 0));
    private static final RingOptions OPTIONS = new RingOptions(true, false, false, false);
    private static final DmaChannel CHANNEL = new DmaRegistry().configure("stress", new HeldEngine());
    // Too large for one in each state; empty between uses.
    private static final ThreadLocal<ChainBatch> BATCH = ThreadLocal.withInitial(() -> new ChainBatch(SIZE));

    private final long base = SLAB.next();
    private final SplitDriverRing guest;
    final SplitRing ring;
    private final AsyncCopies copies = new AsyncCopies(SIZE);

    TwoInFlight() {
        RingAddresses addresses = new RingAddresses(base, base + 32, base + 48);
        guest = new SplitDriverRing(MEMORY, addresses, SIZE, OPTIONS);
        ring = new SplitRing(GUEST_MEMORY, addresses, SIZE, OPTIONS, 0);
        MEMORY.set(JAVA_INT, base + SOURCE, 42);
        ChainBatch batch = BATCH.get();
        for (int i = 0; i < SIZE; i++) {
            guest.offer(i, base + BUFFER + 4L * i, 4, true);
        }
        guest.publish();
        ring.gather(batch, SIZE);
        for (int i = 0; i < SIZE; i++) {
            int slot = copies.open(null, 1, CHANNEL, 0);
            batch.written(i, 4);
            copies.take(slot, batch, i, i + 1);
        }
        ring.keep(batch, SIZE);
    }

    /** Makes a copy and says so, as a channel does under its own lock. */
    void finish(int slot) {
        NativeCopy.copy(MEMORY, base + SOURCE, MEMORY, base + BUFFER + 4L * slot, 4);
        copies.copyDone(slot, false);
    }

    /** The wrong way round. */
    void finishBeforeCopy(int slot) {
        copies.copyDone(slot, false);
        Outcomes.linger();
        NativeCopy.copy(MEMORY, base + SOURCE, MEMORY, base + BUFFER + 4L * slot, 4);
    }

    /** What the guest finds in a buffer. */
    int bytes(int slot) {
        return MEMORY.get(JAVA_INT, base + BUFFER + 4L * slot);
    }

    /**
     * Looks again and again for a packet that is done, as copies take longer than looking; how many are
     * emptied.
     */
    int awaitAndEmpty() {
        int emptied = 0;
        for (int i = 0; i < 20 && emptied == 0; i++) {
            emptied = closeAndEmpty();
        }
        return emptied;
    }

    /** Gives chains back that are done, and packets; how many packets. */
    int closeAndEmpty() {
        copies.close(ring);
        int emptied = 0;
        while (copies.hasClosed()) {
            copies.empty();
            emptied++;
        }
        return emptied;
    }

    /** The next chain that the guest gets back, or -1. */
    int guestPoll() {
        return guest.poll();
    }
}
