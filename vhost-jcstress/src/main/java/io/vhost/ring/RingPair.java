package io.vhost.ring;

import io.vhost.Slab;
import io.vhost.memory.GuestMemory;
import io.vhost.state.MemoryRegion;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Both ends of a small ring of either format, on a slice of a slab; one chain has gone through it already.
 */
final class RingPair {
    /** Two chains fill the ring, and the second is on the next lap. */
    static final int FULL_BY_TWO = 2;
    /** Room for two chains before the ring's end. */
    static final int ROOM_FOR_TWO = 4;
    static final int TOKEN = 7;
    static final int LENGTH = 64;
    /** How often an end looks for what the other is about to publish. */
    static final int LOOKS = 20;
    static final long GUEST = 0x4000_0000L;
    /** Where the first buffer lies in the slice; the second is behind it. */
    static final long BUFFER = 128;

    private static final Slab SLAB = new Slab(256);
    static final MemorySegment MEMORY = SLAB.memory();
    private static final GuestMemory GUEST_MEMORY =
            GuestMemory.of(MEMORY, new MemoryRegion(GUEST, 0, MEMORY.byteSize(), 0));
    // Too large for one in each state; whoever uses one leaves it empty.
    private static final ThreadLocal<ChainBatch> BATCH =
            ThreadLocal.withInitial(() -> new ChainBatch(ROOM_FOR_TWO));

    final long base = SLAB.next();
    final long desc = base;
    final long avail;
    final long used;
    final int size;
    final boolean deviceWrites;
    final DeviceRing device;
    final DriverRing driver;

    /** A split ring of two entries. */
    RingPair(boolean deviceWrites, boolean eventIdx) {
        this(RingFormat.SPLIT, FULL_BY_TWO, deviceWrites, eventIdx);
        // A device that reads the next entry too early meets a descriptor that is none.
        SplitLayout.availEntry(MEMORY, avail, 1, 1);
    }

    /** A ring of a format; of a split one with {@link #FULL_BY_TWO} entries. */
    RingPair(RingFormat format, int size, boolean deviceWrites, boolean eventIdx) {
        this.size = size;
        this.deviceWrites = deviceWrites;
        avail = base + format.descBytes(size);
        // On one cache line with the driver area: a store there waits for the other end's,
        // long enough to lose races.
        used = avail + 16;
        RingAddresses addresses = new RingAddresses(desc, avail, used);
        RingOptions options = new RingOptions(deviceWrites, false, eventIdx, false);
        driver = format.driver(MEMORY, addresses, size, options);
        device = format.device(GUEST_MEMORY, addresses, size, options, format.start());
        // An end that has just begun notifies in any case.
        offer(deviceWrites);
        driver.publish();
        driver.needsKick();
        device.disableKicks();
        use();
        device.needsInterrupt();
        driver.poll();
        driver.disableInterrupts();
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

    /** The driver offers the first buffer, and does not show it yet. */
    void offer(boolean toWrite) {
        driver.offer(TOKEN, GUEST + base + BUFFER, LENGTH, toWrite);
    }

    /** The driver offers the second buffer, and does not show it yet. */
    void offerSecond() {
        driver.offer(TOKEN + 1, GUEST + base + BUFFER + LENGTH, LENGTH, deviceWrites);
    }

    /** The driver offers both buffers as one chain, and does not show it yet. */
    void offerBothAsOne() {
        long first = GUEST + base + BUFFER;
        int readable = deviceWrites ? 0 : 2;
        driver.offer(TOKEN, new long[] {first, first + LENGTH}, new int[] {LENGTH, LENGTH}, readable, 2);
    }

    /** The device takes what there is and gives it back, as one that has written {@code LENGTH}. */
    void use() {
        ChainBatch batch = batch();
        if (device.gather(batch, 1) == 1) {
            batch.written(0, deviceWrites ? LENGTH : 0);
            device.publish(batch);
        }
    }

    /** The driver offers the buffer and the device takes it, so that it has only to be published. */
    ChainsInFlight takeOne() {
        offer(true);
        driver.publish();
        return take(1);
    }

    /** The same with both buffers, to be given back as they were offered. */
    ChainsInFlight takeTwo() {
        offer(true);
        offerSecond();
        driver.publish();
        return take(2);
    }

    private ChainsInFlight take(int count) {
        ChainsInFlight chains = new ChainsInFlight(size);
        ChainBatch batch = batch();
        int taken = device.gather(batch, count);
        for (int i = 0; i < taken; i++) {
            batch.written(i, LENGTH);
        }
        chains.take(batch, 0, taken);
        for (int i = 0; i < taken; i++) {
            chains.giveBack(batch.id(i));
        }
        device.keep(batch, taken);
        return chains;
    }

    /**
     * Replaces a wish for the last position of the first lap by one for the first position of the second, in
     * an area of a packed ring, and its wrap counter after its position.
     */
    static void storeTornWish(long area) {
        PackedLayout.event(MEMORY, area, PackedLayout.offWrap(0, true), PackedLayout.EVENT_DESC);
        linger();
        PackedLayout.event(MEMORY, area, PackedLayout.offWrap(0, false), PackedLayout.EVENT_DESC);
    }

    /** The position and the wrap counter of the wish that stands in an area of a packed ring. */
    static int wish(long area) {
        return PackedLayout.eventOffWrap(PackedLayout.event(MEMORY, area));
    }

    void payload(int value) {
        MEMORY.set(ValueLayout.JAVA_INT, base + BUFFER, value);
    }

    int payload() {
        return MEMORY.get(ValueLayout.JAVA_INT, base + BUFFER);
    }
}
