package io.vhost.ring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.memory.DirtyLog;
import io.vhost.state.RingViolation;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Regions that lie: each is refused, or is taken for what it may be, and no ring goes astray with it. */
class InflightHostileTest {
    private static final RingOptions OPTIONS = new RingOptions(true, true, false, false);
    private static final int SIZE = 8;

    private final MemorySegment split =
            Arena.ofAuto().allocate(RingFormat.SPLIT.inflightBytes(SIZE), 64);
    private final MemorySegment packed =
            Arena.ofAuto().allocate(RingFormat.PACKED.inflightBytes(SIZE), 64);

    private static void put16(MemorySegment region, long at, int value) {
        region.set(ValueLayout.JAVA_SHORT_UNALIGNED, at, (short) value);
    }

    private static void put8(MemorySegment region, long at, int value) {
        region.set(ValueLayout.JAVA_BYTE, at, (byte) value);
    }

    /** A split ring with three chains in flight, and a batch of two given back before. */
    private RawSplitRing splitRing() {
        RawSplitRing ring = new RawSplitRing(SIZE);
        ring.buffers(RawSplitRing.WRITE);
        SplitRing device = ring.device(OPTIONS);
        device.track(split);
        ring.offer(4, 1, 6, 2, 7);
        assertEquals(5, device.gather(ring.batch, SIZE));
        device.ungather(ring.batch, 3);
        device.publish(ring.batch);
        assertEquals(3, device.gather(ring.batch, SIZE));
        return ring;
    }

    private SplitRing successor(RawSplitRing ring) {
        SplitRing device = ring.device(OPTIONS, ring.usedIdx());
        device.track(split);
        return device;
    }

    private void splitRefuses(Consumer<MemorySegment> lie) {
        RawSplitRing ring = splitRing();
        lie.accept(split);
        SplitRing device = successor(ring);
        assertEquals(RingViolation.INFLIGHT_MISMATCH, device.violation());
        assertEquals(0, device.gather(new ChainBatch(SIZE), SIZE));
        split.fill((byte) 0);
    }

    @Test
    void aSplitRingGoesOnWithWhatWasInFlight() {
        RawSplitRing ring = splitRing();
        SplitRing device = successor(ring);
        assertNull(device.violation());
        ChainBatch batch = new ChainBatch(SIZE);
        assertEquals(3, device.gather(batch, SIZE));
        assertEquals(6, batch.id(0));
        assertEquals(2, batch.id(1));
        assertEquals(7, batch.id(2));
    }

    /** A back-end that keeps no order gave back 6, which the driver has offered again behind all others. */
    @Test
    void chainsAreTakenInTheOrderOfTheirCounters() {
        RawSplitRing ring = splitRing();
        put8(split, 16 + 16 * 6, 0);
        put16(split, 14, 3);
        SplitLayout.usedIdxRelease(ring.window.segment, ring.addresses.used(), 3);
        split.set(ValueLayout.JAVA_LONG, 16 + 16 * 7 + 8, 3);
        split.set(ValueLayout.JAVA_LONG, 16 + 16 * 2 + 8, 4);
        ring.offer(6);
        SplitRing device = successor(ring);
        ChainBatch batch = new ChainBatch(SIZE);
        assertEquals(3, device.gather(batch, SIZE));
        assertEquals(7, batch.id(0));
        assertEquals(2, batch.id(1));
        assertEquals(6, batch.id(2));
        device.ungather(batch, 2);
        device.publish(batch);
        device.forgetInflight();
        assertEquals(1, split.get(ValueLayout.JAVA_SHORT, 8), "the ring alone would not tell that 2 is next");
        assertEquals(2, device.gather(batch, SIZE));
        assertEquals(2, batch.id(0));
        assertEquals(6, batch.id(1));
        device.publish(batch);
        device.forgetInflight();
        assertEquals(0, split.get(ValueLayout.JAVA_SHORT, 8));
    }

    /** The last chain of the predecessor's is the border: from there on the ring alone tells the order. */
    @Test
    void anOrderOfItsOwnEndsWithTheLastChainOfThePredecessor() {
        RawSplitRing ring = splitRing();
        split.set(ValueLayout.JAVA_LONG, 16 + 16 * 7 + 8, 2);
        split.set(ValueLayout.JAVA_LONG, 16 + 16 * 2 + 8, 3);
        split.set(ValueLayout.JAVA_LONG, 16 + 16 * 6 + 8, 4);
        SplitRing device = successor(ring);
        ChainBatch batch = new ChainBatch(SIZE);
        assertEquals(3, device.gather(batch, SIZE));
        device.ungather(batch, 1);
        device.publish(batch);
        device.forgetInflight();
        assertEquals(1, split.get(ValueLayout.JAVA_SHORT, 8));
        assertEquals(1, device.gather(batch, SIZE));
        assertEquals(6, batch.id(0));
        device.publish(batch);
        device.forgetInflight();
        assertEquals(0, split.get(ValueLayout.JAVA_SHORT, 8));
    }

    /** Both marks of the batch are there yet, and the used index of the ring is two ahead. */
    @Test
    void allOfTheLastBatchIsCleared() {
        RawSplitRing ring = splitRing();
        put8(split, 16 + 16 * 4, 1);
        put8(split, 16 + 16, 1);
        put16(split, 14, 0);
        SplitRing device = successor(ring);
        assertNull(device.violation());
        ChainBatch batch = new ChainBatch(SIZE);
        assertEquals(3, device.gather(batch, SIZE));
        assertEquals(0, split.get(ValueLayout.JAVA_BYTE, 16 + 16 * 4));
        assertEquals(0, split.get(ValueLayout.JAVA_BYTE, 16 + 16));
    }

    @Test
    void splitRegionsThatLieAreRefused() {
        splitRefuses(region -> put16(region, 8, 2));
        splitRefuses(region -> put16(region, 10, SIZE + 1));
        splitRefuses(region -> put16(region, 10, SIZE - 1));
        // A last batch of one more than the ring, a list that leaves the table, one that runs in a circle.
        splitRefuses(region -> put16(region, 14, 2 - SIZE - 1));
        splitRefuses(region -> {
            put16(region, 14, 0);
            put16(region, 12, SIZE);
        });
        splitRefuses(region -> {
            put16(region, 14, 0);
            put16(region, 16 + 16 * 4 + 6, SIZE);
            put16(region, 16 + 16 + 6, SIZE);
        });
        splitRefuses(region -> {
            put16(region, 14, 0);
            put16(region, 16 + 16 + 6, 1);
        });
        splitRefuses(region -> region.set(ValueLayout.JAVA_LONG, 16 + 16 * 6 + 8, (1L << 62) + 1));
        splitRefuses(region -> region.set(ValueLayout.JAVA_LONG, 16 + 16 * 6 + 8, -1));
        // More in flight than the driver has offered.
        splitRefuses(region -> put8(region, 16, 1));
    }

    @Test
    void aCounterMayBeAsLargeAsItIsBounded() {
        RawSplitRing ring = splitRing();
        split.set(ValueLayout.JAVA_LONG, 16 + 16 * 6 + 8, 1L << 62);
        SplitRing device = successor(ring);
        assertNull(device.violation());
        ChainBatch batch = new ChainBatch(SIZE);
        assertEquals(3, device.gather(batch, SIZE));
        assertEquals(6, batch.id(2));
    }

    /** A used index that nobody wrote is no reason to refuse while nothing is in flight. */
    @Test
    void aRegionWithNothingInFlightFollowsTheRing() {
        RawSplitRing ring = splitRing();
        for (int i = 0; i < SIZE; i++) {
            put8(split, 16 + 16 * i, 0);
        }
        put16(split, 14, 30_000);
        SplitRing device = successor(ring);
        assertNull(device.violation());
        assertEquals(2, split.get(ValueLayout.JAVA_SHORT, 14));
        assertEquals(3, device.gather(new ChainBatch(SIZE), SIZE));
    }

    /** Two chains, of one and two descriptors, in flight behind one that is used. */
    private RawPackedRing packedRing() {
        RawPackedRing ring = new RawPackedRing(SIZE);
        PackedRing device = ring.device(OPTIONS);
        device.track(packed);
        ring.offer(1, RawPackedRing.WRITE);
        assertEquals(1, device.gather(ring.batch, SIZE));
        device.publish(ring.batch);
        ring.desc(RawPackedRing.buffer(1), 64, 5, RawPackedRing.WRITE);
        ring.desc(RawPackedRing.buffer(2), 64, 0, RawPackedRing.WRITE | RawPackedRing.NEXT);
        ring.desc(RawPackedRing.buffer(3), 64, 3, RawPackedRing.WRITE);
        assertEquals(2, device.gather(ring.batch, SIZE));
        return ring;
    }

    private PackedRing successor(RawPackedRing ring) {
        PackedRing device = ring.device(OPTIONS);
        device.track(packed);
        return device;
    }

    private void packedRefuses(Consumer<MemorySegment> lie) {
        RawPackedRing ring = packedRing();
        lie.accept(packed);
        PackedRing device = successor(ring);
        assertEquals(RingViolation.INFLIGHT_MISMATCH, device.violation());
        assertEquals(0, device.gather(new ChainBatch(SIZE), SIZE));
        packed.fill((byte) 0);
    }

    @Test
    void aPackedRingGoesOnWithWhatWasInFlight() {
        RawPackedRing ring = packedRing();
        PackedRing device = successor(ring);
        assertNull(device.violation());
        ChainBatch batch = new ChainBatch(SIZE);
        assertEquals(2, device.gather(batch, SIZE));
        assertEquals(5, batch.id(0));
        assertEquals(3, batch.id(1));
        assertEquals(3, device.positions().inUse());
        device.publish(batch);
        assertTrue(ring.isUsed(1, true) && ring.isUsed(2, true));
    }

    /** What a recovery writes into the ring, the front-end has to fetch as well. */
    @Test
    void aPackedRingThatGoesOnIsLogged() {
        RawPackedRing ring = packedRing();
        MemorySegment bits = Arena.ofAuto().allocate(0x8_0000, Long.BYTES);
        PackedRing device = ring.device(OPTIONS);
        device.logWrites(DirtyLog.of(bits), DeviceRing.NOT_LOGGED);
        device.track(packed);
        assertNull(device.violation());
        long page = GuestWindow.MAIN / DirtyLog.PAGE;
        assertEquals(1 << page % Byte.SIZE, bits.get(ValueLayout.JAVA_BYTE, page / Byte.SIZE));
    }

    @Test
    void packedRegionsThatLieAreRefused() {
        long first = 32;
        packedRefuses(region -> put16(region, 8, 2));
        packedRefuses(region -> put16(region, 10, SIZE + 1));
        packedRefuses(region -> put16(region, 16, SIZE));
        packedRefuses(region -> put16(region, 18, SIZE));
        packedRefuses(region -> put8(region, 20, 2));
        packedRefuses(region -> put8(region, 21, 2));
        // The free list: it misses entries, begins in a chain, or runs in a circle.
        packedRefuses(region -> put16(region, 14, SIZE));
        packedRefuses(region -> put16(region, 14, 2));
        packedRefuses(region -> put16(region, first + 32 * 5 + 2, 4));
        // The chain in the first entry: its number, its last entry, its counter, its id, its place.
        packedRefuses(region -> put16(region, first + 6, 0));
        packedRefuses(region -> put16(region, first + 6, SIZE + 1));
        packedRefuses(region -> put16(region, first + 6, 2));
        packedRefuses(region -> put16(region, first + 4, 1));
        packedRefuses(region -> region.set(ValueLayout.JAVA_LONG, first + 8, (1L << 62) + 1));
        packedRefuses(region -> put16(region, first + 16, SIZE));
        packedRefuses(region -> put16(region, first + 16, 3));
        packedRefuses(region -> region.set(ValueLayout.JAVA_LONG, first + 24, 0));
        packedRefuses(region -> put8(region, first, 0));
        packedRefuses(region -> put16(region, first + 32 + 2, SIZE));
    }

    /** A driver that has begun a new ring, and a region that knows nothing of it. */
    @Test
    void aRegionOfAnotherRingIsRefused() {
        RawPackedRing ring = packedRing();
        for (int i = 0; i < SIZE; i++) {
            ring.raw(i, RawPackedRing.buffer(30 + i), 64, i,
                    RawPackedRing.WRITE | PackedLayout.availFlags(true));
        }
        assertEquals(RingViolation.INFLIGHT_MISMATCH, successor(ring).violation());
    }

    @ParameterizedTest
    @EnumSource(RingFormat.class)
    void garbageEndsNothing(RingFormat format) {
        Random random = new Random(7);
        MemorySegment region = format == RingFormat.SPLIT ? split : packed;
        int refused = 0;
        for (int round = 0; round < 500; round++) {
            region.fill((byte) 0);
            RawSplitRing splitRing = format == RingFormat.SPLIT ? splitRing() : null;
            RawPackedRing packedRing = format == RingFormat.PACKED ? packedRing() : null;
            for (int i = random.nextInt(6); i >= 0; i--) {
                int value = random.nextBoolean() ? random.nextInt(SIZE + 2) : random.nextInt();
                put16(region, random.nextLong(region.byteSize() / 2) * 2, value);
            }
            DeviceRing device = format == RingFormat.SPLIT ? successor(splitRing) : successor(packedRing);
            refused += device.violation() == null ? 0 : 1;
            ChainBatch batch = new ChainBatch(SIZE);
            device.gather(batch, SIZE);
            device.ungather(batch, batch.chains() / 2);
            device.publish(batch);
            device.gather(batch, SIZE);
            device.publish(batch);
        }
        assertTrue(refused > 50 && refused < 480, "refused: " + refused);
    }

    /** What the front-end writes while the ring is at work is not believed either. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aRegionThatChangesUnderARingDoesNotLeadItAstray(boolean ofPacked) {
        Random random = new Random(8);
        MemorySegment region = ofPacked ? packed : split;
        RingEnds ends = RingEnds.of(RingFormat.of(ofPacked), SIZE, OPTIONS);
        ends.device().track(region);
        ChainBatch batch = new ChainBatch(SIZE);
        for (int token = 0; token < 5000; token++) {
            assertTrue(ends.offer(token, ChainSuite.buffer(token)));
            ends.driver().publish();
            put16(region, random.nextLong(region.byteSize() / 2) * 2, random.nextInt());
            assertEquals(1, ends.device().gather(batch, SIZE));
            put16(region, random.nextLong(region.byteSize() / 2) * 2, random.nextInt());
            ends.device().publish(batch);
            assertEquals(token, ends.driver().poll());
        }
        assertNull(ends.device().violation());
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aChainThatIsOfferedTwiceFencesTheRing(boolean ofPacked) {
        ChainBatch batch = new ChainBatch(SIZE);
        DeviceRing device;
        if (ofPacked) {
            RawPackedRing ring = new RawPackedRing(SIZE);
            device = ring.device(OPTIONS);
            device.track(packed);
            ring.desc(RawPackedRing.buffer(1), 64, 2, RawPackedRing.WRITE);
            ring.desc(RawPackedRing.buffer(2), 64, 2, RawPackedRing.WRITE);
        } else {
            RawSplitRing ring = new RawSplitRing(SIZE);
            ring.buffers(RawSplitRing.WRITE);
            device = ring.device(OPTIONS);
            device.track(split);
            ring.offer(2, 2);
        }
        assertEquals(1, device.gather(batch, SIZE));
        assertEquals(1, batch.chains());
        assertEquals(RingViolation.HEAD_IN_FLIGHT, device.violation());
        assertEquals(2, device.violationDetail());
        assertEquals(1, device.positions().inUse());
    }
}
