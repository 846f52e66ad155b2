package io.vhost.ring;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

/** The region byte by byte, against tables written by hand from the text of vhost-user. */
class InflightLayoutTest {
    private static final RingOptions OPTIONS = new RingOptions(true, true, false, false);

    private static byte[] bytes(String... lines) {
        String hex = String.join("", lines).replace(" ", "");
        return HexFormat.of().parseHex(hex);
    }

    private static void assertBytes(MemorySegment region, String... lines) {
        assertArrayEquals(bytes(lines), region.toArray(ValueLayout.JAVA_BYTE));
    }

    @Test
    void partsAreAsLongAsOtherBackEndsHaveThem() {
        assertEquals(16 + 16 * 256, RingFormat.SPLIT.inflightBytes(256));
        assertEquals(32 + 32 * 256, RingFormat.PACKED.inflightBytes(256));
    }

    @Test
    void aSplitRing() {
        RawSplitRing ring = new RawSplitRing(4);
        ring.buffers(RawSplitRing.WRITE);
        ring.start(0x1FE);
        MemorySegment region = Arena.ofAuto().allocate(RingFormat.SPLIT.inflightBytes(4), 64);
        SplitRing device = ring.device(OPTIONS, 0x1FE);
        device.track(region);
        assertNull(device.violation());
        String none = "00 0000000000 0000 0000000000000000";
        assertBytes(region, "0000000000000000 0100 0400 0000 fe01", none, none, none, none);
        ring.offer(2, 0, 3);
        assertEquals(3, device.gather(ring.batch, 4));
        assertBytes(region, "0000000000000000 0100 0400 0000 fe01",
                "01 0000000000 0000 0100000000000000", none,
                "01 0000000000 0000 0000000000000000",
                "01 0000000000 0000 0200000000000000");
        device.ungather(ring.batch, 1);
        device.publish(ring.batch);
        assertBytes(region, "0000000000000000 0100 0400 0000 0002",
                "00 0000000000 0200 0100000000000000", none,
                "00 0000000000 0000 0000000000000000",
                "00 0000000000 0000 0200000000000000");
        assertEquals(1, device.gather(ring.batch, 4));
        device.publish(ring.batch);
        assertBytes(region, "0000000000000000 0100 0400 0300 0102",
                "00 0000000000 0200 0100000000000000", none,
                "00 0000000000 0000 0000000000000000",
                "00 0000000000 0000 0300000000000000");
        device.forgetInflight();
        assertEquals(0, region.get(ValueLayout.JAVA_SHORT, 8), "a region that nobody uses");
    }

    @Test
    void aPackedRing() {
        RawPackedRing ring = new RawPackedRing(3);
        ring.start(2, true);
        MemorySegment region = Arena.ofAuto().allocate(RingFormat.PACKED.inflightBytes(3), 64);
        PackedRing device = ring.device(OPTIONS, PackedBase.of(PackedLayout.offWrap(2, true)));
        device.track(region);
        assertNull(device.violation());
        String header = "0000000000000000 0100 0300 ";
        String empty = "0000 0000 00000000 0000000000000000";
        assertBytes(region, header, "0000 0000 0200 0200 01 01 0000 0000000000000000",
                "00 00 0100 0000 0000 0000000000000000", empty,
                "00 00 0200 0000 0000 0000000000000000", empty,
                "00 00 0300 0000 0000 0000000000000000", empty);
        ring.desc(GuestWindow.BUFFERS, 64, 7, RawPackedRing.WRITE | RawPackedRing.NEXT);
        ring.desc(GuestWindow.BUFFERS + 64, 32, 1, RawPackedRing.WRITE);
        assertEquals(1, device.gather(ring.batch, 3));
        // The flags are those of the ring: AVAIL on the first lap, USED on the second.
        String taken = "8300 40000000 0000200000000000";
        String second = "0280 20000000 4000200000000000";
        assertBytes(region, header, "0200 0200 0200 0200 01 01 0000 0000000000000000",
                "01 00 0100 0100 0200 0000000000000000", "0700", taken,
                "00 00 0200 0000 0000 0000000000000000", "0100", second,
                "00 00 0300 0000 0000 0000000000000000", empty);
        device.publish(ring.batch);
        assertBytes(region, header, "0000 0000 0100 0100 00 00 0000 0000000000000000",
                "00 00 0100 0100 0200 0000000000000000", "0700", taken,
                "00 00 0200 0000 0000 0000000000000000", "0100", second,
                "00 00 0300 0000 0000 0000000000000000", empty);
    }
}
