package io.vhost.ring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What others may know of a ring's format (virtio 1.2, 2.7 and 2.8.10.1). */
class RingFormatTest {
    @Test
    void oneFeatureBitDecides() {
        assertSame(RingFormat.SPLIT, RingFormat.of(false));
        assertSame(RingFormat.PACKED, RingFormat.of(true));
        assertEquals("split", RingFormat.SPLIT.text());
        assertEquals("packed", RingFormat.PACKED.text());
    }

    @ParameterizedTest
    @CsvSource({"-1, false, false", "0, false, false", "1, true, true", "2, true, true", "3, false, true",
        "255, false, true", "32767, false, true", "32768, true, true", "32769, false, false",
        "65536, false, false", "-2147483648, false, false"})
    void onlyASplitRingNeedsAPowerOfTwo(int size, boolean split, boolean packed) {
        assertEquals(split, RingFormat.SPLIT.accepts(size));
        assertEquals(packed, RingFormat.PACKED.accepts(size));
    }

    @Test
    void areasHaveTheirSizesAndAlignments() {
        assertEquals(16 * 256, RingFormat.SPLIT.descBytes(256));
        assertEquals(4 + 2 * 256 + 2, RingFormat.SPLIT.driverBytes(256));
        assertEquals(4 + 8 * 256 + 2, RingFormat.SPLIT.deviceBytes(256));
        assertEquals(2, RingFormat.SPLIT.driverAlignment());
        assertEquals(4, RingFormat.SPLIT.deviceAlignment());
        assertEquals(16 * 1000, RingFormat.PACKED.descBytes(1000));
        assertEquals(4, RingFormat.PACKED.driverBytes(1000));
        assertEquals(4, RingFormat.PACKED.deviceBytes(1000));
        assertEquals(4, RingFormat.PACKED.driverAlignment());
        assertEquals(4, RingFormat.PACKED.deviceAlignment());
    }

    @ParameterizedTest
    @CsvSource({"0, true", "1, true", "65535, true", "65536, false", "-1, false", "-2147450880, false"})
    void theBaseOfASplitRingIsAnIndexOf16Bits(int base, boolean good) {
        for (int size : new int[] {0, 1, 256}) {
            if (good) {
                assertNull(RingFormat.SPLIT.refusal(base, size));
            } else {
                assertNotNull(RingFormat.SPLIT.refusal(base, size));
            }
        }
        assertEquals(0, RingFormat.SPLIT.start());
    }
}
