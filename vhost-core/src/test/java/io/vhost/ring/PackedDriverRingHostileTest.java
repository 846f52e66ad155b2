package io.vhost.ring;

import static io.vhost.ring.RawPackedRing.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.state.RingViolation;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Devices that write into a packed ring what they may not. */
class PackedDriverRingHostileTest {
    private static final int SIZE = 5;
    private static final int USED = PackedLayout.usedFlags(true);

    private final GuestWindow window = new GuestWindow();
    private final RingAddresses addresses = GuestWindow.ring(RingFormat.PACKED, SIZE);

    private PackedDriverRing ring(boolean eventIdx, boolean inOrder) {
        RingOptions options = new RingOptions(true, true, eventIdx, inOrder);
        return new PackedDriverRing(window.segment, addresses, SIZE, options);
    }

    private int id(int at) {
        return PackedLayout.id(Descriptors.word(window.segment, addresses.desc() + 16L * at));
    }

    private void word(int at, int id, int length, int flags) {
        PackedLayout.descWordRelease(window.segment, addresses.desc() + 16L * at,
                PackedLayout.word(length, id, flags));
    }

    private static void offer(PackedDriverRing ring, int first, int count) {
        for (int i = first; i < first + count; i++) {
            assertTrue(ring.offer(i, GuestWindow.BUFFERS, 100, true));
        }
        ring.publish();
    }

    private static void assertStops(PackedDriverRing ring, RingViolation violation) {
        int outstanding = ring.outstanding();
        assertEquals(-1, ring.poll());
        assertEquals(violation, ring.violation());
        assertEquals(-1, ring.poll(), "a ring with a violation gives nothing back");
        assertEquals(violation, ring.violation());
        assertEquals(outstanding, ring.outstanding());
        assertEquals(0, ring.pending());
        assertFalse(ring.enableInterrupts(), "a stopped ring has nothing to poll");
    }

    @ParameterizedTest
    @ValueSource(ints = {3, 4, SIZE, SIZE + 1, 0x7FFF, 0x8000, 0xFFFF})
    void aUsedIdThatIsNotOutIsAViolation(int id) {
        for (boolean inOrder : new boolean[] {false, true}) {
            PackedDriverRing ring = ring(false, inOrder);
            offer(ring, 0, 2);
            word(0, id, 0, USED);
            assertEquals(0, ring.pending());
            assertStops(ring, RingViolation.USED_ID_UNKNOWN);
        }
    }

    @Test
    void aChainUsedTwiceIsAViolation() {
        for (boolean inOrder : new boolean[] {false, true}) {
            PackedDriverRing ring = ring(false, inOrder);
            offer(ring, 5, 3);
            int id = id(0);
            word(0, id, 0, USED);
            word(1, id, 0, USED);
            word(2, id, 0, USED);
            assertTrue(ring.pending() <= 3);
            assertEquals(5, ring.poll());
            assertStops(ring, RingViolation.USED_ID_UNKNOWN);
        }
    }

    @Test
    void aChainThatIsOfferedAndNotShownCannotBeUsed() {
        for (boolean inOrder : new boolean[] {false, true}) {
            PackedDriverRing ring = ring(false, inOrder);
            offer(ring, 0, 1);
            assertTrue(ring.offer(1, GuestWindow.BUFFERS, 100, true));
            assertTrue(ring.offer(2, GuestWindow.BUFFERS, 100, true));
            int later = id(2);
            word(0, later, 0, USED);
            assertEquals(0, ring.pending());
            assertStops(ring, RingViolation.USED_ID_UNKNOWN);
        }
    }

    @Test
    void moreThanWasOfferedIsAViolation() {
        PackedDriverRing ring = ring(false, false);
        offer(ring, 0, 2);
        for (int i = 0; i < 3; i++) {
            word(i, i < 2 ? id(i) : 0, 0, USED);
        }
        assertEquals(2, ring.pending());
        assertEquals(0, ring.poll());
        assertEquals(1, ring.poll());
        assertStops(ring, RingViolation.USED_ID_UNKNOWN);
    }

    @ParameterizedTest
    @ValueSource(ints = {101, -1, Integer.MIN_VALUE, Integer.MAX_VALUE})
    void aLengthBeyondTheBuffersIsAViolation(int length) {
        for (boolean inOrder : new boolean[] {false, true}) {
            PackedDriverRing ring = ring(false, inOrder);
            offer(ring, 0, 1);
            word(0, id(0), length, USED | WRITE);
            assertStops(ring, RingViolation.USED_LENGTH_TOO_LARGE);
        }
    }

    @Test
    void aLengthForBuffersThatTheDeviceReadsIsAViolation() {
        PackedDriverRing ring = ring(false, false);
        assertTrue(ring.offer(0, GuestWindow.BUFFERS, 100, false));
        ring.publish();
        word(0, id(0), 1, USED | WRITE);
        assertStops(ring, RingViolation.USED_LENGTH_TOO_LARGE);
    }

    @Test
    void eventsThatMeanNothingAreAViolationAndKicked() {
        int[][] events = {
            {1, 0, 3}, {0, 0, 3}, {0, 0, PackedLayout.EVENT_DESC}, {1, SIZE, PackedLayout.EVENT_DESC},
            {1, 0xFFFF, PackedLayout.EVENT_DESC}
        };
        for (int[] event : events) {
            PackedDriverRing ring = ring(event[0] == 1, false);
            offer(ring, 0, 1);
            PackedLayout.event(window.segment, addresses.used(), event[1], event[2]);
            assertTrue(ring.needsKick());
            RingViolation expected = event[2] == 3 || event[0] == 0
                    ? RingViolation.EVENT_FLAGS_RESERVED : RingViolation.EVENT_OFFSET_OUT_OF_RANGE;
            assertEquals(expected, ring.violation());
            word(0, id(0), 0, USED);
            assertEquals(-1, ring.poll());
        }
    }

    /** Whatever it writes: what comes back was offered, once, and is no longer than it was. */
    @Test
    void aDeviceThatWritesAtRandom() {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        for (int round = 0; round < 5000; round++) {
            PackedDriverRing ring = ring(random.nextBoolean(), random.nextBoolean());
            boolean[] out = new boolean[1000];
            int token = 0;
            for (int step = 0; step < 100 && ring.violation() == null; step++) {
                if (ring.offer(token, new long[] {1, 2}, new int[] {50, 50}, 0, 1 + random.nextInt(2))) {
                    out[token++] = true;
                }
                if (random.nextBoolean()) {
                    ring.publish();
                }
                int flags = PackedLayout.usedFlags(random.nextBoolean()) | random.nextInt(4);
                word(random.nextInt(SIZE), random.nextInt(SIZE + 1), random.nextInt(60), flags);
                assertTrue(ring.pending() <= ring.outstanding(), "seed " + seed);
                int back = ring.poll();
                if (back >= 0) {
                    assertTrue(out[back], "seed " + seed);
                    out[back] = false;
                    assertTrue(ring.usedLength() <= 100);
                }
                assertTrue(ring.free() >= 0 && ring.free() <= SIZE, "seed " + seed);
            }
        }
    }
}
