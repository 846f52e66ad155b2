package io.vhost.ring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.state.RingPositions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What front-ends give as the base of a packed ring. */
class PackedBaseTest {
    private static int base(int used, int avail) {
        return used << 16 | avail;
    }

    private static String refusal(int base, int size) {
        return RingFormat.PACKED.refusal(base, size);
    }

    @Test
    void bothEndsBeginOnTheLapWithWrapCounter1() {
        assertEquals(0x8000_8000, RingFormat.PACKED.start());
        assertNull(refusal(0x8000_8000, 1));
        assertNull(refusal(0x8000_8000, 0));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 255, 1000, 32767, 32768})
    void aPositionHasToBeBelowTheSize(int size) {
        for (int lap : new int[] {0, 0x8000}) {
            int last = lap | size - 1;
            assertNull(refusal(base(last, last), size));
            assertNull(refusal(last, size), "only the low half is known");
            if (size < 32768) {
                int beyond = lap | size;
                assertNotNull(refusal(base(beyond, last), size));
                assertNotNull(refusal(base(last, beyond), size));
                assertNotNull(refusal(beyond, size));
                assertNotNull(refusal(base(lap | 0x7FFF, 0x8000), size));
                assertNull(refusal(base(beyond, beyond), 0), "the size is not known yet");
                assertNull(refusal(base(beyond, beyond), size + 1));
            }
        }
    }

    /** From the device's position to the driver's there are at most as many descriptors as the ring has. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 32767, 32768})
    void theHalvesMayBeOneLapApart(int size) {
        for (int used = 0; used < size; used += Math.max(1, size / 4)) {
            for (boolean wrap : new boolean[] {false, true}) {
                int from = PackedLayout.offWrap(used, wrap);
                if (from == 0) {
                    continue; // A high half of 0 is none.
                }
                assertNull(refusal(base(from, ahead(used, wrap, size, size - 1)), size));
                assertNull(refusal(base(from, ahead(used, wrap, size, size)), size));
                if (size > 1) {
                    int contradiction = base(from, ahead(used, wrap, size, size + 1));
                    String text = refusal(contradiction, size);
                    assertTrue(text.contains(String.valueOf(size + 1)), text);
                    assertThrows(IllegalArgumentException.class, () -> open(contradiction, size));
                }
            }
        }
    }

    private static int ahead(int position, boolean wrap, int size, int by) {
        int sum = position + by;
        return PackedLayout.offWrap(sum % size, wrap ^ (sum / size & 1) != 0);
    }

    private static DeviceRing open(int base, int size) {
        GuestWindow window = new GuestWindow();
        RingAddresses addresses = GuestWindow.ring(RingFormat.PACKED, size);
        return RingFormat.PACKED.device(window.memory, addresses, size, RingSuite.TO_GUEST, base);
    }

    /** Chains that a predecessor took and did not give back still stand in the ring. */
    @Test
    void aRingGoesOnAtTheUsedHalf() {
        GuestWindow window = new GuestWindow();
        RingAddresses addresses = GuestWindow.ring(RingFormat.PACKED, 8);
        int[][] bases = {
            {0x8002_8005, 0x8002_8002}, {0x8007_0001, 0x8007_8007}, {0x0000_8000, 0x8000_8000},
            {0x0000_0003, 0x0003_0003}, {0, 0}
        };
        for (int[] base : bases) {
            assertEquals(base[1], RingFormat.PACKED.resume(window.memory, addresses, base[0]));
            assertEquals(base[1], open(base[0], 8).base());
            RingPositions positions = open(base[0], 8).positions();
            assertEquals(base[1] & 0x7FFF, positions.nextAvail());
            assertEquals(base[1] & 0x7FFF, positions.nextUsed());
            assertEquals((base[1] & 0x8000) != 0, positions.availWrap());
            assertEquals((base[1] & 0x8000) != 0, positions.usedWrap());
        }
    }
}
