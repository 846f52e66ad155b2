package io.vhost.ring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The suite on a split ring, and what only a split ring has. */
class SplitRingTest extends RingSuite {
    @Override
    RingFormat format() {
        return RingFormat.SPLIT;
    }

    @Override
    IntStream sizes() {
        return IntStream.of(1, 2, 4, 8, 64, 256, 1024, 4096, 16384, 32768);
    }

    @Override
    int randomSize(Random random) {
        return 1 << random.nextInt(9);
    }

    @ParameterizedTest
    @ValueSource(ints = {-4, 0, 3, 100, 32769, 65536})
    void aSizeThatIsNoPowerOfTwoUpTo32768IsRefused(int size) {
        GuestWindow window = new GuestWindow();
        RingAddresses addresses = new RingAddresses(0, 0x8_0000, 0xA_0000);
        assertThrows(IllegalArgumentException.class,
                () -> RingFormat.SPLIT.device(window.memory, addresses, size, TO_GUEST, 0));
        assertThrows(IllegalArgumentException.class,
                () -> RingFormat.SPLIT.driver(window.segment, addresses, size, TO_GUEST));
    }

    /** virtio 1.2, 2.7.5.3.1: zero or more normal descriptors may precede an indirect one. */
    @Test
    void normalDescriptorsMayEndInAnIndirectOne() {
        RawSplitRing raw = new RawSplitRing(8);
        SplitRing ring = raw.device(FROM_GUEST);
        raw.desc(5, GuestWindow.BUFFERS, 10, Descriptors.DESC_F_NEXT, 2);
        raw.desc(2, GuestWindow.BUFFERS + 10, 20, Descriptors.DESC_F_NEXT, 7);
        raw.desc(7, GuestWindow.FAR, 3 * 16, Descriptors.DESC_F_INDIRECT | Descriptors.DESC_F_WRITE, 0);
        raw.tableDesc(GuestWindow.FAR, 0, GuestWindow.BUFFERS + 30, 30, Descriptors.DESC_F_NEXT, 2);
        raw.tableDesc(GuestWindow.FAR, 2, GuestWindow.BUFFERS + 60, 40, 0, 99);
        raw.offer(5);
        ChainBatch batch = new ChainBatch(8);
        assertEquals(1, ring.gather(batch, 8));
        assertEquals(100, batch.length(0));
        assertEquals(4, batch.endBuffer(0));
        for (int i = 0, position = 0; i < 4; position += 10 * ++i) {
            assertEquals(raw.window.offset(GuestWindow.BUFFERS + position), batch.bufferOffset(i));
        }
    }

    @Test
    void aChainMayTakeTheWholeRingAndAWholeTableBesides() {
        RawSplitRing raw = new RawSplitRing(8);
        SplitRing ring = raw.device(FROM_GUEST);
        for (int i = 0; i < 7; i++) {
            raw.desc(i, GuestWindow.BUFFERS, 1, Descriptors.DESC_F_NEXT, i + 1);
        }
        raw.desc(7, GuestWindow.FAR, 1024 * 16, Descriptors.DESC_F_INDIRECT, 0);
        for (int i = 0; i < 1024; i++) {
            int flags = i < 1023 ? Descriptors.DESC_F_NEXT : 0;
            raw.tableDesc(GuestWindow.FAR, i, GuestWindow.BUFFERS, 1, flags, i + 1);
        }
        raw.offer(0);
        ChainBatch batch = new ChainBatch(8);
        assertEquals(1, ring.gather(batch, 8));
        assertEquals(7 + 1024, batch.endBuffer(0));
    }

    @Test
    void usedElementsCarryHeadAndLengthInOrder() {
        RawSplitRing raw = new RawSplitRing(4);
        SplitRing ring = raw.device(TO_GUEST);
        raw.buffers(Descriptors.DESC_F_WRITE);
        raw.offer(3, 1);
        ChainBatch batch = new ChainBatch(4);
        assertEquals(2, ring.gather(batch, 4));
        batch.written(0, 1000);
        batch.written(1, -1);
        ring.publish(batch);
        assertEquals(2, raw.usedIdx());
        assertEquals((1000L << 32) | 3, raw.used(0));
        assertEquals((0xFFFF_FFFFL << 32) | 1, raw.used(1));
        assertEquals(2, ring.positions().nextUsed());
        assertEquals(2, ring.positions().nextAvail());
    }

    /** The driver's interrupt wish against every index: only the index that is passed counts. */
    @Test
    void anInterruptIsDueExactlyWhenTheUsedIndexPassesTheEvent() {
        RawSplitRing raw = new RawSplitRing(4);
        SplitRing ring = raw.device(EVENT_IDX);
        raw.buffers(Descriptors.DESC_F_WRITE);
        raw.usedEvent(0x8000);
        use(raw, ring, 1);
        assertTrue(ring.needsInterrupt(), "the first publication after the start always signals");
        for (int lap = 0; lap < 0x1_0000; lap++) {
            int before = ring.positions().nextUsed();
            int count = 1 + lap % 4;
            int distance = lap / 4 % 7 - 1; // -1: passed before; count and more: not reached
            raw.usedEvent(before + distance);
            use(raw, ring, count);
            assertEquals(distance >= 0 && distance < count, ring.needsInterrupt(),
                    "before=" + before + " count=" + count + " distance=" + distance);
        }
    }

    private static void use(RawSplitRing raw, SplitRing ring, int count) {
        ChainBatch batch = raw.batch;
        for (int i = 0; i < count; i++) {
            raw.offer(i);
        }
        assertEquals(count, ring.gather(batch, count));
        ring.publish(batch);
    }

    @Test
    void aPublicationThatNobodyAskedAboutCountsAtTheNextQuestion() {
        RawSplitRing raw = new RawSplitRing(4);
        SplitRing ring = raw.device(EVENT_IDX);
        raw.buffers(Descriptors.DESC_F_WRITE);
        use(raw, ring, 1);
        assertTrue(ring.needsInterrupt());
        raw.usedEvent(1);
        use(raw, ring, 1);
        use(raw, ring, 1);
        assertTrue(ring.needsInterrupt(), "index 1 was passed two bursts ago");
        assertFalse(ring.needsInterrupt());
    }

    /** Against the definition, for all events and all distances that a ring can have moved. */
    @Test
    void passedMeansThatTheEventIsOneOfThoseStepped() {
        for (int before : new int[] {0, 1, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF}) {
            for (int moved : new int[] {0, 1, 2, 255, 0x7FFF, 0x8000}) {
                int now = (before + moved) & 0xFFFF;
                for (int event = 0; event < 0x1_0000; event++) {
                    boolean stepped = ((event - before) & 0xFFFF) < moved;
                    assertEquals(stepped, SplitLayout.passed(event, before, now),
                            () -> "before=" + before + " moved=" + moved);
                }
            }
        }
    }

    @Test
    void theKickWishStandsInTheFlagOrInTheEventIndex() {
        RawSplitRing flags = new RawSplitRing(4);
        SplitRing ring = flags.device(TO_GUEST);
        assertFalse(ring.kicksWanted());
        ring.disableKicks();
        assertEquals(SplitLayout.USED_F_NO_NOTIFY, flags.usedFlags());
        ring.enableKicks();
        assertTrue(ring.kicksWanted());
        assertEquals(0, flags.usedFlags());
        RawSplitRing events = new RawSplitRing(4);
        ring = events.device(EVENT_IDX, 0xFFFF);
        ring.enableKicks();
        assertEquals(0xFFFF, events.availEvent());
        assertEquals(0, events.usedFlags());
    }

    @Test
    void aRingGoesOnAtItsBase() {
        RawSplitRing raw = new RawSplitRing(4);
        raw.start(0xFFFE);
        SplitRing ring = raw.device(TO_GUEST, 0xFFFE);
        raw.buffers(Descriptors.DESC_F_WRITE);
        for (int i = 0; i < 6; i++) {
            assertFalse(ring.hasAvailable());
            use(raw, ring, 1);
        }
        assertEquals(4, ring.positions().nextUsed());
        assertEquals(4, raw.usedIdx());
        assertEquals(4, RingFormat.SPLIT.resume(raw.window.memory, raw.addresses, 2));
        assertNull(ring.violation());
    }
}
