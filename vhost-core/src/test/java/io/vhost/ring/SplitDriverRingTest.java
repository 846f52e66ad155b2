package io.vhost.ring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.state.RingViolation;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The driver's end alone: its free list, its notifications, and devices that break the rules. */
class SplitDriverRingTest {
    private static final int SIZE = 4;

    private final GuestWindow window = new GuestWindow();
    private final RingAddresses addresses = GuestWindow.ring(RingFormat.SPLIT, SIZE);

    private SplitDriverRing ring(boolean eventIdx, boolean inOrder) {
        RingOptions options = new RingOptions(true, true, eventIdx, inOrder);
        return new SplitDriverRing(window.segment, addresses, SIZE, options);
    }

    /** What a device does: an element, or only the index. */
    private void element(int slot, int id, int length) {
        SplitLayout.usedElement(window.segment, addresses.used(), slot, id, length);
    }

    private void used(int idx) {
        SplitLayout.usedIdxRelease(window.segment, addresses.used(), idx);
    }

    private int head(int slot) {
        return SplitLayout.availEntry(window.segment, addresses.avail(), slot);
    }

    private static void offer(SplitDriverRing ring, int first, int count) {
        for (int i = first; i < first + count; i++) {
            assertTrue(ring.offer(i, GuestWindow.BUFFERS, 100, true));
        }
        ring.publish();
    }

    @Test
    void theRingIsClearedAtTheStart() {
        window.segment.fill((byte) 0x55);
        SplitDriverRing ring = ring(true, false);
        assertEquals(0, ring.pending());
        assertEquals(-1, ring.poll());
        assertNull(ring.violation());
        assertEquals(SIZE, ring.free());
        assertEquals(SIZE, ring.size());
    }

    @Test
    void ringsInHeapMemoryAreRefused() {
        MemorySegment heap = MemorySegment.ofArray(new long[1000]);
        assertThrows(IllegalArgumentException.class,
                () -> RingFormat.SPLIT.driver(heap, addresses, SIZE, RingSuite.TO_GUEST));
    }

    @Test
    void aChainOfNothingIsRefusedAndCostsNoDescriptor() {
        SplitDriverRing ring = ring(false, false);
        long[] addresses = {GuestWindow.BUFFERS};
        int[] lengths = {64};
        int[][] wrong = {{0, 0}, {0, -1}, {-1, 1}, {2, 1}};
        for (int[] values : wrong) {
            assertThrows(IllegalArgumentException.class,
                    () -> ring.offer(0, addresses, lengths, values[0], values[1]));
            assertThrows(IllegalArgumentException.class, () -> ring.offerIndirect(
                    0, GuestWindow.FAR, GuestWindow.FAR, addresses, lengths, values[0], values[1]));
        }
        assertEquals(SIZE, ring.free());
        assertEquals(0, ring.outstanding());
    }

    @Test
    void descriptorsCarryDirectionAndChaining() {
        SplitDriverRing ring = ring(false, false);
        assertTrue(ring.offer(1, new long[] {11, 22, 33}, new int[] {1, 2, 3}, 1, 3));
        int index = head(0);
        int[] flags = {Descriptors.DESC_F_NEXT, Descriptors.DESC_F_NEXT | Descriptors.DESC_F_WRITE,
            Descriptors.DESC_F_WRITE};
        for (int i = 0; i < 3; i++) {
            long desc = addresses.desc() + 16L * index;
            long word = Descriptors.word(window.segment, desc);
            assertEquals(11L * (i + 1), Descriptors.address(window.segment, desc));
            assertEquals(i + 1, Descriptors.length(word));
            assertEquals(flags[i], SplitLayout.flags(word));
            index = SplitLayout.next(word);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void everyDescriptorComesBackWhateverTheOrder(boolean reversed) {
        SplitDriverRing ring = ring(false, false);
        int idx = 0;
        for (int lap = 0; lap < 1000; lap++) {
            long[] address = {1, 2, 3};
            int[] length = {1, 1, 1};
            int buffers = 1 + lap % 3;
            assertTrue(ring.offer(0, address, length, 0, buffers));
            assertTrue(ring.offer(1, 9, 9, true));
            assertEquals(SIZE - buffers - 1, ring.free());
            assertFalse(ring.offer(2, address, length, 0, SIZE - buffers));
            ring.publish();
            int[] heads = {head(idx & 3), head((idx + 1) & 3)};
            element(idx & 3, heads[reversed ? 1 : 0], 1);
            element((idx + 1) & 3, heads[reversed ? 0 : 1], 1);
            idx += 2;
            used(idx);
            assertEquals(2, ring.pending());
            assertEquals(2, ring.outstanding());
            assertEquals(reversed ? 1 : 0, ring.poll());
            assertEquals(reversed ? 0 : 1, ring.poll());
            assertEquals(SIZE, ring.free());
            assertEquals(0, ring.outstanding());
        }
        assertNull(ring.violation());
    }

    /** One element a batch, at its first place; what is skipped is used completely (virtio 1.2, 2.7.9). */
    @Test
    void anInOrderDeviceMayWriteTheLastElementOfABatchOnly() {
        SplitDriverRing ring = ring(false, true);
        int idx = 0;
        for (int lap = 0; lap < 50_000; lap++) {
            int batch = 1 + lap % 3;
            offer(ring, 0, batch);
            element(idx & 3, head((idx + batch - 1) & 3), 60);
            idx += batch;
            used(idx);
            for (int i = 0; i < batch; i++) {
                assertEquals(i, ring.poll());
                assertEquals(i == batch - 1 ? 60 : 100, ring.usedLength(), "lap " + lap);
            }
            assertEquals(-1, ring.poll());
            assertNull(ring.violation());
        }
    }

    @Test
    void anInOrderDeviceMayWriteSeveralBatchesAtOnce() {
        SplitDriverRing ring = ring(false, true);
        offer(ring, 0, 4);
        element(0, head(1), 10);
        element(2, head(3), 20);
        used(4);
        int[] lengths = {100, 10, 100, 20};
        for (int i = 0; i < 4; i++) {
            assertEquals(i, ring.poll());
            assertEquals(lengths[i], ring.usedLength());
        }
    }

    @Test
    void anInOrderBatchThatGoesBeyondTheIndexIsAViolation() {
        SplitDriverRing ring = ring(false, true);
        offer(ring, 0, 4);
        element(0, head(2), 10);
        used(2);
        assertStops(ring, RingViolation.USED_ID_UNKNOWN);
    }

    @Test
    void aUsedIndexBeyondWhatWasOfferedIsAViolation() {
        for (int jump : new int[] {3, SIZE, SIZE + 1, 0x8000, 0xFFFF}) {
            SplitDriverRing ring = ring(false, false);
            offer(ring, 0, 2);
            used(jump);
            assertStops(ring, RingViolation.USED_INDEX_JUMP);
            assertFalse(ring.enableInterrupts(), "a stopped ring has nothing to poll");
        }
    }

    @Test
    void aChainThatIsOfferedAndNotShownCannotBeUsed() {
        SplitDriverRing ring = ring(false, false);
        offer(ring, 0, 1);
        assertTrue(ring.offer(1, GuestWindow.BUFFERS, 100, true));
        element(0, head(0), 0);
        element(1, head(1), 0);
        used(2);
        assertStops(ring, RingViolation.USED_INDEX_JUMP);
    }

    /** The index is right, and the chain that was shown is not the one that it stands for. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aChainThatIsNotShownCannotBeUsedInPlaceOfAnother(boolean inOrder) {
        for (int shown = 1; shown < SIZE; shown++) {
            SplitDriverRing ring = ring(false, inOrder);
            offer(ring, 0, shown);
            for (int i = shown; i < SIZE; i++) {
                assertTrue(ring.offer(i, GuestWindow.BUFFERS, 100, true));
            }
            element(0, head(shown), 0);
            used(1);
            assertStops(ring, RingViolation.USED_ID_UNKNOWN);
        }
    }

    /** With the largest ring half of all index values are with the device at once. */
    @Test
    void everyChainOfTheLargestRingIsKnownAsShownUntilItIsBack() {
        int size = RingFormat.MAX_SIZE;
        RingAddresses large = GuestWindow.ring(RingFormat.SPLIT, size);
        SplitDriverRing ring = new SplitDriverRing(
                window.segment, large, size, new RingOptions(true, true, false, false));
        for (int lap = 0; lap < 3; lap++) {
            offer(ring, 0, size);
            for (int i = 0; i < size; i++) {
                int head = SplitLayout.availEntry(window.segment, large.avail(), size - 1 - i);
                SplitLayout.usedElement(window.segment, large.used(), i, head, 0);
            }
            SplitLayout.usedIdxRelease(window.segment, large.used(), size * (lap + 1));
            for (int i = 0; i < size; i++) {
                assertEquals(size - 1 - i, ring.poll());
            }
            assertEquals(-1, ring.poll());
            assertNull(ring.violation());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {3, SIZE, SIZE + 1, -1, Integer.MIN_VALUE, 0x1_0000, 0x7FFF_FFFF})
    void aUsedIdThatIsNotOutIsAViolation(int id) {
        for (boolean inOrder : new boolean[] {false, true}) {
            SplitDriverRing ring = ring(false, inOrder);
            offer(ring, 0, 2);
            element(0, id, 0);
            used(1);
            assertStops(ring, RingViolation.USED_ID_UNKNOWN);
        }
    }

    @Test
    void aChainUsedTwiceIsAViolation() {
        SplitDriverRing ring = ring(false, false);
        offer(ring, 5, 2);
        element(0, head(0), 0);
        element(1, head(0), 0);
        used(2);
        assertEquals(5, ring.poll());
        assertStops(ring, RingViolation.USED_ID_UNKNOWN);
    }

    @Test
    void theMiddleOfAChainIsNoHead() {
        SplitDriverRing ring = ring(false, false);
        assertTrue(ring.offer(1, new long[] {1, 2, 3}, new int[] {1, 1, 1}, 0, 3));
        ring.publish();
        element(0, head(0) + 1, 0);
        used(1);
        assertStops(ring, RingViolation.USED_ID_UNKNOWN);
    }

    @ParameterizedTest
    @ValueSource(ints = {101, -1, Integer.MIN_VALUE, Integer.MAX_VALUE})
    void aLengthBeyondTheBuffersIsAViolation(int length) {
        SplitDriverRing ring = ring(false, false);
        offer(ring, 0, 1);
        element(0, head(0), length);
        used(1);
        assertStops(ring, RingViolation.USED_LENGTH_TOO_LARGE);
    }

    @Test
    void aLengthForBuffersThatTheDeviceReadsIsAViolation() {
        SplitDriverRing ring = ring(false, false);
        assertTrue(ring.offer(0, GuestWindow.BUFFERS, 100, false));
        ring.publish();
        element(0, head(0), 1);
        used(1);
        assertStops(ring, RingViolation.USED_LENGTH_TOO_LARGE);
    }

    private static void assertStops(SplitDriverRing ring, RingViolation violation) {
        int outstanding = ring.outstanding();
        assertEquals(-1, ring.poll());
        assertEquals(violation, ring.violation());
        assertEquals(-1, ring.poll(), "a ring with a violation gives nothing back");
        assertEquals(violation, ring.violation());
        assertEquals(outstanding, ring.outstanding());
        assertEquals(0, ring.pending());
    }

    /** The device's kick wish against every index. */
    @Test
    void aKickIsDueExactlyWhenTheIndexPassesTheEvent() {
        SplitDriverRing ring = ring(true, false);
        int idx = 0;
        for (int lap = 0; lap < 0x1_0000; lap++) {
            int count = 1 + lap % SIZE;
            int distance = lap / SIZE % 7 - 1;
            SplitLayout.availEvent(window.segment, addresses.used(), SIZE, idx + distance);
            offer(ring, 0, count);
            assertEquals(distance >= 0 && distance < count, ring.needsKick(),
                    "idx=" + idx + " count=" + count + " distance=" + distance);
            for (int i = 0; i < count; i++) {
                element((idx + i) & 3, head((idx + i) & 3), 0);
            }
            idx = (idx + count) & 0xFFFF;
            used(idx);
            while (ring.poll() >= 0) {
                assertEquals(0, ring.usedLength());
            }
        }
        assertNull(ring.violation());
    }

    @Test
    void theInterruptWishStandsInTheFlagOrInTheEventIndex() {
        SplitDriverRing flags = ring(false, false);
        long avail = addresses.avail();
        flags.disableInterrupts();
        assertEquals(SplitLayout.AVAIL_F_NO_INTERRUPT, SplitLayout.availFlags(window.segment, avail));
        flags.enableInterrupts();
        assertEquals(0, SplitLayout.availFlags(window.segment, avail));
        SplitDriverRing events = ring(true, false);
        events.disableInterrupts();
        assertEquals(0x8000, SplitLayout.usedEvent(window.segment, addresses.avail(), SIZE));
        assertEquals(0, SplitLayout.availFlags(window.segment, addresses.avail()));
        events.enableInterrupts();
        assertEquals(0, SplitLayout.usedEvent(window.segment, addresses.avail(), SIZE));
    }
}
