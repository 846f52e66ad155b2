package io.vhost.ring;

import static io.vhost.ring.RawPackedRing.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Interrupts of a packed ring, asked of the ring itself. */
class PackedInterruptTest {
    private static int offWrap(long count, int size) {
        return PackedLayout.offWrap((int) (count % size), count / size % 2 == 0);
    }

    /** Uses chains one by one, so that the ring's size does not limit how many. */
    private static void use(RawPackedRing raw, PackedRing ring, int count) {
        for (int i = 0; i < count; i++) {
            raw.offer(1, WRITE);
            assertEquals(1, ring.gather(raw.batch, 1));
            ring.publish(raw.batch);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 255, 32768})
    void theFirstPublicationSignalsUnlessTheDriverWantsNone(int size) {
        RawPackedRing raw = new RawPackedRing(size);
        PackedRing ring = raw.device(RingSuite.EVENT_IDX);
        raw.driverEvent(offWrap(1, size), PackedLayout.EVENT_DESC);
        use(raw, ring, 1);
        assertTrue(ring.needsInterrupt());
        assertFalse(ring.needsInterrupt());
        assertEquals(true, ring.positions().signalled());
        assertEquals(1 % size, ring.positions().signalledUsed());
        raw = new RawPackedRing(size);
        ring = raw.device(RingSuite.EVENT_IDX);
        raw.driverEvent(0, PackedLayout.EVENT_DISABLE);
        use(raw, ring, 1);
        assertFalse(ring.needsInterrupt());
    }

    /** Two laps with every distance: an event may be behind, among what was used, or ahead. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 255})
    void anInterruptIsDueExactlyWhenTheUsedPositionPassesTheEvent(int size) {
        RawPackedRing raw = new RawPackedRing(size);
        PackedRing ring = raw.device(RingSuite.EVENT_IDX);
        use(raw, ring, 1);
        ring.needsInterrupt();
        long used = 1;
        for (int round = 0; round < 1000; round++) {
            int count = 1 + round % (2 * size + 2);
            int distance = round / 7 % (size + 3) - 1; // -1: passed before; count and more: not reached
            int event = offWrap(used + distance + 2L * size, size);
            raw.driverEvent(event, PackedLayout.EVENT_DESC);
            use(raw, ring, count);
            used += count;
            // Further back than a lap nobody waits, and what lies there looks like what lies ahead.
            boolean due = false;
            for (long passed = used - Math.min(count, size); passed < used; passed++) {
                due |= offWrap(passed, size) == event;
            }
            assertEquals(due, ring.needsInterrupt(),
                    "size=" + size + " used=" + used + " count=" + count + " distance=" + distance);
        }
        assertNull(ring.violation());
    }

    @Test
    void aPublicationThatNobodyAskedAboutCountsAtTheNextQuestion() {
        RawPackedRing raw = new RawPackedRing(5);
        PackedRing ring = raw.device(RingSuite.EVENT_IDX);
        use(raw, ring, 1);
        assertTrue(ring.needsInterrupt());
        raw.driverEvent(offWrap(1, 5), PackedLayout.EVENT_DESC);
        use(raw, ring, 1);
        use(raw, ring, 1);
        assertTrue(ring.needsInterrupt(), "position 1 was passed two bursts ago");
        assertFalse(ring.needsInterrupt());
    }

    /** A sleeping driver may have the whole ring out, and all of it may be used between two questions. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 1000})
    void aSleepingDriverIsWokenAfterAWholeLap(int size) {
        RawPackedRing raw = new RawPackedRing(size);
        PackedRing ring = raw.device(RingSuite.EVENT_IDX);
        use(raw, ring, 1);
        ring.needsInterrupt();
        long used = 1;
        for (int lap = 0; lap < 5; lap++) {
            use(raw, ring, 3 * size); // while the driver polled
            used += 3L * size;
            raw.driverEvent(offWrap(used, size), PackedLayout.EVENT_DESC);
            raw.offer(size, WRITE);
            assertEquals(size, ring.gather(raw.batch, size));
            ring.publish(raw.batch);
            used += size;
            assertTrue(ring.needsInterrupt());
        }
    }

    @Test
    void aChainOfSeveralDescriptorsPassesAllOfThem() {
        for (int event = 0; event < 5; event++) {
            RawPackedRing raw = new RawPackedRing(5);
            PackedRing ring = raw.device(RingSuite.EVENT_IDX);
            use(raw, ring, 1);
            ring.needsInterrupt();
            raw.driverEvent(offWrap(event + 10, 5), PackedLayout.EVENT_DESC);
            raw.desc(RawPackedRing.buffer(0), 1, 0, WRITE | RawPackedRing.NEXT);
            raw.desc(RawPackedRing.buffer(0), 1, 0, WRITE | RawPackedRing.NEXT);
            raw.desc(RawPackedRing.buffer(0), 1, 0, WRITE);
            assertEquals(1, ring.gather(raw.batch, 1));
            ring.publish(raw.batch);
            assertEquals(event >= 1 && event < 4, ring.needsInterrupt());
        }
    }
}
