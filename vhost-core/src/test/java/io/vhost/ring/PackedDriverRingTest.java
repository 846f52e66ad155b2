package io.vhost.ring;

import static io.vhost.ring.RawPackedRing.AVAIL;
import static io.vhost.ring.RawPackedRing.INDIRECT;
import static io.vhost.ring.RawPackedRing.NEXT;
import static io.vhost.ring.RawPackedRing.USED;
import static io.vhost.ring.RawPackedRing.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The driver's end alone: ids and positions, notifications, and devices that break the rules. */
class PackedDriverRingTest {
    private static final int SIZE = 5;

    private final GuestWindow window = new GuestWindow();
    private final RingAddresses addresses = GuestWindow.ring(RingFormat.PACKED, SIZE);
    // Where the device writes next, and its wrap counter.
    private int position;
    private boolean wrap = true;

    private PackedDriverRing ring(boolean eventIdx, boolean inOrder) {
        position = 0;
        wrap = true;
        RingOptions options = new RingOptions(true, true, eventIdx, inOrder);
        return new PackedDriverRing(window.segment, addresses, SIZE, options);
    }

    private long word(int at) {
        return Descriptors.word(window.segment, addresses.desc() + 16L * at);
    }

    private int id(int at) {
        return PackedLayout.id(word(at % SIZE));
    }

    private void word(int at, int id, int length, int flags) {
        PackedLayout.descWordRelease(window.segment, addresses.desc() + 16L * at,
                PackedLayout.word(length, id, flags));
    }

    /** What a device does: a used descriptor for a chain or batch of so many descriptors. */
    private void use(int id, int length, int descriptors) {
        word(position, id, length, PackedLayout.usedFlags(wrap) | WRITE);
        position += descriptors;
        if (position >= SIZE) {
            position -= SIZE;
            wrap = !wrap;
        }
    }

    private static void offer(PackedDriverRing ring, int first, int count) {
        for (int i = first; i < first + count; i++) {
            assertTrue(ring.offer(i, GuestWindow.BUFFERS, 100, true));
        }
        ring.publish();
    }

    @Test
    void theRingIsClearedAtTheStart() {
        window.segment.fill((byte) 0x80);
        PackedDriverRing ring = ring(true, false);
        assertEquals(0, ring.pending());
        assertEquals(-1, ring.poll());
        assertNull(ring.violation());
        assertEquals(SIZE, ring.free());
        assertEquals(SIZE, ring.size());
        assertEquals(0, PackedLayout.event(window.segment, addresses.avail()));
        assertEquals(0, PackedLayout.event(window.segment, addresses.used()));
    }

    @Test
    void ringsInHeapMemoryAreRefused() {
        MemorySegment heap = MemorySegment.ofArray(new long[1000]);
        assertThrows(IllegalArgumentException.class,
                () -> RingFormat.PACKED.driver(heap, addresses, SIZE, RingSuite.TO_GUEST));
    }

    @Test
    void aChainOfNothingIsRefusedAndCostsNoDescriptor() {
        PackedDriverRing ring = ring(false, false);
        long[] buffers = {GuestWindow.BUFFERS};
        int[] lengths = {64};
        int[][] wrong = {{0, 0}, {0, -1}, {-1, 1}, {2, 1}};
        for (int[] values : wrong) {
            assertThrows(IllegalArgumentException.class,
                    () -> ring.offer(0, buffers, lengths, values[0], values[1]));
            assertThrows(IllegalArgumentException.class, () -> ring.offerIndirect(
                    0, GuestWindow.FAR, GuestWindow.FAR, buffers, lengths, values[0], values[1]));
        }
        assertEquals(SIZE, ring.free());
        assertEquals(0, ring.outstanding());
    }

    /** Every descriptor of a chain has its own lap's flags, and the last one the id. */
    @Test
    void descriptorsCarryDirectionChainingAndTheirLap() {
        PackedDriverRing ring = ring(false, false);
        offer(ring, 0, 3);
        for (int i = 0; i < 3; i++) {
            use(id(i), 0, 1);
            assertEquals(i, ring.poll());
        }
        assertTrue(ring.offer(1, new long[] {11, 22, 33}, new int[] {1, 2, 3}, 1, 3));
        ring.publish();
        int[] flags = {NEXT | AVAIL, NEXT | WRITE | AVAIL, WRITE | USED};
        for (int i = 0; i < 3; i++) {
            int at = (3 + i) % SIZE;
            assertEquals(11L * (i + 1),
                    Descriptors.address(window.segment, addresses.desc() + 16L * at));
            assertEquals(i + 1, Descriptors.length(word(at)));
            assertEquals(flags[i], PackedLayout.flags(word(at)));
        }
        assertEquals(SIZE - 3, ring.free());
        use(id(5), 5, 3);
        assertEquals(1, ring.poll());
        assertEquals(5, ring.usedLength());
    }

    @Test
    void aTableIsOneDescriptorAndItsEntriesHaveNoFlagButOne() {
        PackedDriverRing ring = ring(false, false);
        long table = window.offset(GuestWindow.FAR);
        assertTrue(ring.offerIndirect(
                1, table, GuestWindow.FAR, new long[] {11, 22, 33}, new int[] {1, 2, 3}, 2, 3));
        ring.publish();
        assertEquals(PackedLayout.word(48, 0, INDIRECT | AVAIL), word(0));
        int[] flags = {0, 0, WRITE};
        for (int i = 0; i < 3; i++) {
            assertEquals(11L * (i + 1), Descriptors.address(window.segment, table + 16L * i));
            assertEquals(PackedLayout.word(i + 1, 0, flags[i]),
                    Descriptors.word(window.segment, table + 16L * i));
        }
        assertEquals(SIZE - 1, ring.free());
    }

    /** What is behind an unpublished head may stand there: the device looks at the head first. */
    @Test
    void theFirstHeadIsHeldBackUntilTheOffersAreShown() {
        PackedDriverRing ring = ring(false, false);
        assertTrue(ring.offer(1, new long[] {1, 2}, new int[] {1, 2}, 0, 2));
        assertTrue(ring.offer(2, 9, 9, true));
        assertEquals(0, word(0));
        assertTrue(PackedLayout.isAvail(word(1), true));
        assertTrue(PackedLayout.isAvail(word(2), true));
        ring.publish();
        assertTrue(PackedLayout.isAvail(word(0), true));
        assertTrue(ring.offer(3, 9, 9, true));
        assertEquals(0, word(3));
        ring.publish();
        ring.publish();
        assertTrue(PackedLayout.isAvail(word(3), true));
        assertEquals(0, word(4));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void everyDescriptorAndIdComesBackWhateverTheOrder(boolean reversed) {
        PackedDriverRing ring = ring(false, false);
        int at = 0;
        for (int lap = 0; lap < 1000; lap++) {
            long[] address = {1, 2, 3};
            int[] length = {1, 1, 1};
            int buffers = 1 + lap % 3;
            assertTrue(ring.offer(0, address, length, 0, buffers));
            assertTrue(ring.offer(1, 9, 9, true));
            assertEquals(SIZE - buffers - 1, ring.free());
            assertFalse(buffers + 1 > 2 && ring.offer(2, address, length, 0, 3));
            ring.publish();
            int[] ids = {id(at + buffers - 1), id(at + buffers)};
            use(ids[reversed ? 1 : 0], 1, reversed ? 1 : buffers);
            use(ids[reversed ? 0 : 1], 1, reversed ? buffers : 1);
            at += buffers + 1;
            assertEquals(2, ring.pending());
            assertEquals(2, ring.outstanding());
            assertEquals(reversed ? 1 : 0, ring.poll());
            assertEquals(1, ring.pending());
            assertEquals(reversed ? 0 : 1, ring.poll());
            assertEquals(SIZE, ring.free());
            assertEquals(0, ring.outstanding());
            assertEquals(-1, ring.poll());
        }
        assertNull(ring.violation());
    }

    /** One descriptor a batch, at its first place; what is skipped is used completely (virtio 1.2, 2.8.8). */
    @Test
    void anInOrderDeviceMayUseABatchWithOneDescriptor() {
        PackedDriverRing ring = ring(false, true);
        int at = 0;
        for (int lap = 0; lap < 50_000; lap++) {
            int batch = 1 + lap % 3;
            for (int i = 0; i < batch; i++) {
                assertTrue(i == 1
                        ? ring.offer(i, new long[] {1, 2}, new int[] {40, 60}, 0, 2)
                        : ring.offer(i, 1, 100, true));
            }
            ring.publish();
            int descriptors = batch == 1 ? 1 : batch + 1;
            use(id(at + descriptors - 1), 60, descriptors);
            at += descriptors;
            assertEquals(batch, ring.pending());
            for (int i = 0; i < batch; i++) {
                assertEquals(i, ring.poll());
                assertEquals(i == batch - 1 ? 60 : 100, ring.usedLength(), "lap " + lap);
                assertEquals(batch - 1 - i, ring.pending());
                assertEquals(batch - 1 - i > 0, ring.enableInterrupts());
            }
            assertEquals(-1, ring.poll());
            assertNull(ring.violation());
        }
    }

    @Test
    void anInOrderDeviceMayUseSeveralBatchesAtOnce() {
        PackedDriverRing ring = ring(false, true);
        offer(ring, 0, 5);
        int[] ids = {id(1), id(3), id(4)};
        use(ids[0], 10, 2);
        use(ids[1], 20, 2);
        use(ids[2], 30, 1);
        int[] lengths = {100, 10, 100, 20, 30};
        for (int i = 0; i < 5; i++) {
            assertEquals(5 - i, ring.pending());
            assertEquals(i, ring.poll());
            assertEquals(lengths[i], ring.usedLength());
        }
    }

    /** Only then it says how much the device wrote (virtio 1.2, 2.8.4). */
    @Test
    void aLengthWithoutTheWriteFlagMeansNothing() {
        PackedDriverRing ring = ring(false, false);
        offer(ring, 7, 1);
        word(0, id(0), -1, PackedLayout.usedFlags(true));
        assertEquals(7, ring.poll());
        assertEquals(0, ring.usedLength());
    }

    @Test
    void onlyBothFlagsOfThisLapMakeADescriptorUsed() {
        PackedDriverRing ring = ring(false, false);
        offer(ring, 0, 1);
        int id = id(0);
        for (int flags : new int[] {0, AVAIL, USED, WRITE, 0x7F7F}) {
            word(0, id, 1, flags);
            assertEquals(-1, ring.poll());
            assertEquals(0, ring.pending());
        }
        word(0, id, 1, 0xFFFF);
        assertEquals(0, ring.poll());
        assertNull(ring.violation());
    }

    /** A device's wish for a kick, against every position: only the one that is passed counts. */
    @Test
    void aKickIsDueExactlyWhenThePositionPassesTheEvent() {
        PackedDriverRing ring = ring(true, false);
        long at = 0;
        for (int lap = 0; lap < 10_000; lap++) {
            int count = 1 + lap % SIZE;
            int distance = lap / SIZE % (SIZE + 3) - 1;
            long event = at + distance + 2 * SIZE;
            int wish = PackedLayout.offWrap((int) (event % SIZE), event / SIZE % 2 == 0);
            PackedLayout.event(window.segment, addresses.used(), wish, PackedLayout.EVENT_DESC);
            offer(ring, 0, count);
            assertEquals(distance >= 0 && distance < count, ring.needsKick(),
                    "at=" + at + " count=" + count + " distance=" + distance);
            assertFalse(ring.needsKick(), "nothing was shown since");
            for (int i = 0; i < count; i++) {
                use(id((int) (at++ % SIZE)), 0, 1);
                assertEquals(i, ring.poll());
            }
        }
        assertNull(ring.violation());
    }

    @Test
    void theInterruptWishStandsInTheDriverArea() {
        PackedDriverRing flags = ring(false, false);
        flags.disableInterrupts();
        assertEquals(1 << 16, PackedLayout.event(window.segment, addresses.avail()));
        flags.enableInterrupts();
        assertEquals(0, PackedLayout.event(window.segment, addresses.avail()));
        PackedDriverRing events = ring(true, false);
        events.disableInterrupts();
        assertEquals(1 << 16, PackedLayout.event(window.segment, addresses.avail()));
        events.enableInterrupts();
        assertEquals(2 << 16 | 0x8000, PackedLayout.event(window.segment, addresses.avail()));
        offer(events, 0, 5);
        for (int i = 0; i < 5; i++) {
            use(id(i), 0, 1);
            assertTrue(events.enableInterrupts());
            assertEquals(i, events.poll());
        }
        assertFalse(events.enableInterrupts());
        assertEquals(2 << 16, PackedLayout.event(window.segment, addresses.avail()));
    }
}
