package io.vhost.ring;

import io.vhost.Slab;
import io.vhost.memory.GuestMemory;
import io.vhost.memory.MemoryRegion;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Both ends of a ring with two entries, on a slice of a slab; one chain has gone through it already. */
final class RingPair {
    static final int SIZE = 2;
    static final int TOKEN = 7;
    static final int LENGTH = 64;
    /** How often an end looks for what the other is about to publish. */
    static final int LOOKS = 20;
    static final long GUEST = 0x4000_0000L;
    /** Where the buffer lies in the slice. */
    static final long BUFFER = 128;

    private static final Slab SLAB = new Slab(256);
    static final MemorySegment MEMORY = SLAB.memory();
    private static final GuestMemory GUEST_MEMORY =
            GuestMemory.of(MEMORY, new MemoryRegion(GUEST, 0, MEMORY.byteSize(), 0));
    // Too large for one in each state; whoever uses one leaves it empty.
    private static final ThreadLocal<ChainBatch> BATCH = ThreadLocal.withInitial(() -> new ChainBatch(SIZE));

    final long base = SLAB.next();
    final long desc = base;
    final long avail = base + 32;
    // On one cache line with the driver area: a store there waits for the other end's,
    // long enough to lose races.
    final long used = base + 48;
    final SplitRing device;
    final SplitDriverRing driver;

    RingPair(boolean deviceWrites, boolean eventIdx) {
        RingAddresses addresses = new RingAddresses(desc, avail, used);
        RingOptions options = new RingOptions(deviceWrites, false, eventIdx, false);
        driver = new SplitDriverRing(MEMORY, addresses, SIZE, options);
        device = new SplitRing(GUEST_MEMORY, addresses, SIZE, options, 0);
        // An end that has just begun notifies in any case.
        offer(deviceWrites);
        driver.publish();
        driver.needsKick();
        device.disableKicks();
        use();
        device.needsInterrupt();
        driver.poll();
        driver.disableInterrupts();
        // A device that reads the next entry too early meets a descriptor that is none.
        SplitLayout.availEntry(MEMORY, avail, 1, 1);
    }

    static ChainBatch batch() {
        return BATCH.get();
    }

    /** Widens the window of a wrong order. */
    static void linger() {
        for (int i = 0; i < 5; i++) {
            Thread.onSpinWait();
        }
    }

    /** The driver offers the buffer, and does not show it yet. */
    void offer(boolean deviceWrites) {
        driver.offer(TOKEN, GUEST + base + BUFFER, LENGTH, deviceWrites);
    }

    /** The device takes what there is and gives it back, as one that has written {@code LENGTH}. */
    void use() {
        ChainBatch batch = batch();
        if (device.gather(batch, 1) == 1) {
            batch.written(0, LENGTH);
            device.publish(batch);
        }
    }

    /** The driver offers the buffer and the device takes it, so that it has only to be published. */
    ChainsInFlight takeOne() {
        offer(true);
        driver.publish();
        ChainsInFlight chains = new ChainsInFlight(SIZE);
        ChainBatch batch = batch();
        device.gather(batch, 1);
        batch.written(0, LENGTH);
        chains.take(batch, 0, 1);
        chains.giveBack(batch.id(0));
        device.keep(batch, 1);
        return chains;
    }

    void payload(int value) {
        MEMORY.set(ValueLayout.JAVA_INT, base + BUFFER, value);
    }

    int payload() {
        return MEMORY.get(ValueLayout.JAVA_INT, base + BUFFER);
    }
}
