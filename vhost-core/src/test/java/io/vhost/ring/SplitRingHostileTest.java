package io.vhost.ring;

import static io.vhost.ring.RawSplitRing.INDIRECT;
import static io.vhost.ring.RawSplitRing.LENGTH;
import static io.vhost.ring.RawSplitRing.NEXT;
import static io.vhost.ring.RawSplitRing.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.state.RingViolation;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Drivers that break the rules of a split ring other than by a chain, or make it much work. */
class SplitRingHostileTest {
    private static final int SIZE = 16;
    private static final long TABLE = GuestWindow.FAR;

    @ParameterizedTest
    @ValueSource(ints = {SIZE, SIZE + 1, 0x7FFF, 0x8000, 0xFFFF})
    void row5AHeadBeyondTheRing(int head) {
        RawSplitRing raw = new RawSplitRing(SIZE);
        SplitRing ring = raw.device(RingSuite.FROM_GUEST);
        raw.buffers(0);
        raw.desc(SIZE, GuestWindow.BUFFERS, LENGTH, 0, 0); // what lies behind the table looks good
        raw.offer(0, 1, head, 3);
        assertEquals(2, ring.gather(raw.batch, SIZE));
        assertEquals(RingViolation.HEAD_OUT_OF_RANGE, ring.violation());
        assertEquals(head, ring.violationDetail());
    }

    @ParameterizedTest
    @ValueSource(ints = {SIZE + 1, 0x7FFF, 0x8000, 0xFFFF, -2, -SIZE, -SIZE - 1})
    void row6AnIndexThatJumps(int by) {
        for (int start : new int[] {0, 5, 0xFFFF}) {
            RawSplitRing raw = new RawSplitRing(SIZE);
            raw.start(start);
            SplitRing ring = raw.device(RingSuite.FROM_GUEST, start);
            raw.buffers(0);
            raw.jump(by);
            assertEquals(0, ring.gather(raw.batch, SIZE));
            assertEquals(RingViolation.AVAIL_INDEX_JUMP, ring.violation());
            assertEquals((start + by) & 0xFFFF, ring.violationDetail());
        }
    }

    @Test
    void row6AJumpBeyondWhatIsInFlight() {
        RawSplitRing raw = new RawSplitRing(SIZE);
        SplitRing ring = raw.device(RingSuite.FROM_GUEST);
        raw.buffers(0);
        raw.offer(0, 1, 2);
        assertEquals(3, ring.gather(raw.batch, SIZE));
        raw.jump(SIZE - 3);
        assertTrue(ring.hasAvailable(), "all of the ring may be out");
        assertEquals(SIZE, ring.positions().knownAvail());
        raw.jump(1);
        assertEquals(SIZE - 3, ring.gather(raw.batch, SIZE - 3), "known before");
        assertEquals(0, ring.gather(raw.batch, 1));
        assertEquals(RingViolation.AVAIL_INDEX_JUMP, ring.violation());
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, -2, -3, -4})
    void row6AnIndexThatGoesBack(int by) {
        RawSplitRing raw = new RawSplitRing(SIZE);
        SplitRing ring = raw.device(RingSuite.FROM_GUEST);
        raw.buffers(0);
        raw.offer(0, 1, 2, 3);
        assertEquals(2, ring.gather(raw.batch, 2), "two are taken, two are known");
        raw.jump(by);
        assertEquals(0, ring.gather(raw.batch, SIZE));
        assertEquals(RingViolation.AVAIL_INDEX_JUMP, ring.violation());
    }

    @Test
    void row22GarbageInTheEventFieldsOnlyCostsInterrupts() {
        RawSplitRing raw = new RawSplitRing(4);
        SplitRing events = raw.device(RingSuite.EVENT_IDX);
        SplitRing flags = raw.device(RingSuite.TO_GUEST);
        for (int value = 0; value < 0x1_0000; value++) {
            raw.usedEvent(value);
            raw.availFlags(value);
            assertEquals(value == 0 && events.positions().nextUsed() == 0, events.needsInterrupt());
            assertEquals((value & 1) == 0, flags.needsInterrupt(), "reserved bits are ignored");
        }
        assertNull(events.violation());
    }

    @Test
    void row23AHeadOfferedTwiceIsHandedOutTwice() {
        RawSplitRing raw = new RawSplitRing(4);
        SplitRing ring = raw.device(RingSuite.TO_GUEST);
        raw.buffers(WRITE);
        raw.offer(1, 1, 1, 1);
        assertEquals(4, ring.gather(raw.batch, 4));
        ring.publish(raw.batch);
        assertEquals(4, raw.usedIdx());
        assertNull(ring.violation());
    }

    /**
     * Every chain is a full table of empty buffers: the costliest there are. Two of them fill a batch, as two
     * of full buffers would, so that a guest cannot make a burst walk the table once for each entry of the
     * ring.
     */
    @Test
    void theWorkOfABurstIsBounded() {
        RawSplitRing raw = new RawSplitRing(SIZE);
        SplitRing ring = raw.device(RingSuite.FROM_GUEST);
        for (int i = 0; i < SIZE; i++) {
            raw.desc(i, TABLE, 1024 * 16, INDIRECT, 0);
        }
        for (int i = 0; i < 1024; i++) {
            raw.tableDesc(TABLE, i, GuestWindow.BUFFERS, i == 1023 ? 1 : 0, i == 1023 ? 0 : NEXT, i + 1);
        }
        raw.offer(IntStream.range(0, SIZE).toArray());
        for (int used = 0; used < SIZE; used += 2) {
            assertEquals(2, ring.gather(raw.batch, Integer.MAX_VALUE));
            assertEquals(used + 2 < SIZE, raw.batch.isFull());
            assertEquals(2, raw.batch.endBuffer(1));
            assertEquals(0, ring.gather(raw.batch, 1));
            ring.publish(raw.batch);
        }
        assertNull(ring.violation());
        assertEquals(SIZE, raw.usedIdx());
    }

    /** Chains that were taken back leave no trace in the batch. */
    @Test
    void emptyBuffersThatWereTakenBackTakeNoRoom() {
        RawSplitRing raw = new RawSplitRing(SIZE);
        SplitRing ring = raw.device(RingSuite.FROM_GUEST);
        raw.desc(0, TABLE, 1024 * 16, INDIRECT, 0);
        for (int i = 0; i < 1024; i++) {
            raw.tableDesc(TABLE, i, GuestWindow.BUFFERS, i == 1023 ? 1 : 0, i == 1023 ? 0 : NEXT, i + 1);
        }
        raw.offer(0, 0);
        for (int i = 0; i < 5; i++) {
            assertEquals(2, ring.gather(raw.batch, SIZE));
            ring.ungather(raw.batch, 2);
        }
        assertNull(ring.violation());
    }

    /** Another thread rewrites everything while bursts run: violations are all that may come of it. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void row20AThreadThatRewritesTheRing(boolean deviceWrites) throws InterruptedException {
        long seed = new Random().nextLong();
        RawSplitRing raw = new RawSplitRing(SIZE);
        AtomicBoolean ended = new AtomicBoolean();
        Thread flipper = Thread.ofPlatform().start(() -> flip(raw, new Random(seed), ended));
        int violations = 0;
        long chains = 0;
        try {
            for (int round = 0; violations < 1000; round++) {
                int base = SplitLayout.availIdxAcquire(raw.window.segment, raw.addresses.avail());
                SplitRing ring = raw.device(new RingOptions(deviceWrites, true, round % 2 == 0, false), base);
                for (int burst = 0; burst < 20 && ring.violation() == null; burst++) {
                    int count = ring.gather(raw.batch, 32);
                    chains += count;
                    checkBatch(raw, "seed " + seed);
                    assertTrue(count <= SIZE);
                    ring.publish(raw.batch);
                    ring.needsInterrupt();
                    ring.enableKicks();
                }
                violations += ring.violation() == null ? 0 : 1;
            }
        } finally {
            ended.set(true);
            flipper.join();
        }
        assertTrue(chains > 0, "seed " + seed);
    }

    private static void flip(RawSplitRing raw, Random random, AtomicBoolean ended) {
        long[] addresses = {
            GuestWindow.BUFFERS, GuestWindow.NEXT - 8, GuestWindow.HOLE - 8, GuestWindow.HOLE, -8, TABLE
        };
        int[] lengths = {0, 1, 16, 32, 64, -1, 1024 * 16};
        while (!ended.get()) {
            for (int i = 0; i < SIZE; i++) {
                long address = addresses[random.nextInt(addresses.length)];
                int length = lengths[random.nextInt(lengths.length)];
                int flags = random.nextInt(4) == 0 ? random.nextInt(8) : random.nextInt(4);
                raw.desc(i, address, length, flags, random.nextInt(SIZE + 1));
                raw.tableDesc(TABLE, i, address, length, flags, random.nextInt(5));
            }
            raw.offer(random.nextInt(64) == 0 ? 0xFFFF : random.nextInt(SIZE));
            if (random.nextInt(256) == 0) {
                raw.jump(random.nextInt(0x1_0000));
            }
            raw.usedEvent(random.nextInt(0x1_0000));
        }
    }

    /** Whatever the driver did, buffers are inside the window and add up to their chain. */
    private static void checkBatch(RawSplitRing raw, String text) {
        for (int chain = 0; chain < raw.batch.chains(); chain++) {
            long sum = 0;
            for (int i = raw.batch.firstBuffer(chain); i < raw.batch.endBuffer(chain); i++) {
                long end = raw.batch.bufferOffset(i) + raw.batch.bufferLength(i);
                assertTrue(raw.batch.bufferOffset(i) >= 0 && raw.batch.bufferLength(i) > 0, text);
                assertTrue(end <= raw.window.segment.byteSize(), text);
                sum += raw.batch.bufferLength(i);
            }
            assertEquals(sum, raw.batch.length(chain), text);
            assertTrue(sum > 0, text);
        }
    }

    /** A header in k descriptors is the device's business; to the ring it is a chain like any other. */
    @Test
    void row19ManyBuffersOfOneByte() {
        RawSplitRing raw = new RawSplitRing(SIZE);
        SplitRing ring = raw.device(RingSuite.FROM_GUEST);
        for (int i = 0; i < SIZE; i++) {
            raw.desc(i, GuestWindow.BUFFERS + 2L * i, 1, i == SIZE - 1 ? 0 : NEXT, i + 1);
        }
        raw.offer(0);
        assertEquals(1, ring.gather(raw.batch, 1));
        assertEquals(SIZE, raw.batch.length(0));
        assertEquals(SIZE, raw.batch.endBuffer(0));
    }

    @Test
    void theFirstViolationStays() {
        RawSplitRing raw = new RawSplitRing(SIZE);
        SplitRing ring = raw.device(RingSuite.FROM_GUEST);
        assertFalse(ring.fault(RingViolation.NO_ROOM_FOR_HEADER, 7));
        ring.fault(RingViolation.CHAIN_TOO_LARGE, 8);
        assertEquals(RingViolation.NO_ROOM_FOR_HEADER, ring.violation());
        assertEquals(7, ring.violationDetail());
        assertNotNull(ring.violation().text());
    }
}
