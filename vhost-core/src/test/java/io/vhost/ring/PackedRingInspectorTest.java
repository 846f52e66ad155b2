package io.vhost.ring;

import static io.vhost.ring.RawPackedRing.AVAIL;
import static io.vhost.ring.RawPackedRing.INDIRECT;
import static io.vhost.ring.RawPackedRing.NEXT;
import static io.vhost.ring.RawPackedRing.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.vhost.state.RingElement;
import io.vhost.state.RingElement.Descriptor;
import io.vhost.state.RingPositions;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A look at what the driver of a packed ring offers, whatever that is. */
class PackedRingInspectorTest {
    private static final int SIZE = 6;
    private static final long TABLE = GuestWindow.BUFFERS + 0x1000;

    private final RawPackedRing driver = new RawPackedRing(SIZE);
    private final PackedRing ring = driver.device(RingSuite.FROM_GUEST);

    private RingElement element(int position) {
        return ring.element(driver.window.memory, position);
    }

    @Test
    void aChainIsShownWithAddressesLengthsAndFlagsAndTheRingStaysAsItIs() {
        driver.raw(5, 0x1111, 10, 7, AVAIL | NEXT);
        driver.raw(0, 0x2222, -1, 3, AVAIL | WRITE);
        driver.driverEvent(0x8004, 2);
        ring.disableKicks();
        RingElement expected = new RingElement(3,
                List.of(new Descriptor(0x1111, 10, AVAIL | NEXT),
                        new Descriptor(0x2222, 0xFFFF_FFFFL, AVAIL | WRITE)),
                2, 0x8004, 1, 0);
        assertEquals(expected, element(5));
        assertEquals(expected, element(5 + SIZE));
        assertEquals(expected, element(0x8000 | 5), "a wrap counter is no part of the position");
        assertEquals(new RingPositions(0, true, 0, 0, true, 0, false, 0), ring.positions());
        assertNull(ring.violation());
    }

    @Test
    void anIndirectTableIsShownInPlaceOfItsDescriptor() {
        driver.tableDesc(TABLE, 0, 0x1111, 10, 0);
        driver.tableDesc(TABLE, 1, 0x2222, 20, WRITE);
        driver.raw(0, TABLE, 32, 4, INDIRECT);
        assertEquals(List.of(new Descriptor(0x1111, 10, 0), new Descriptor(0x2222, 20, WRITE)),
                element(0).descriptors());
        assertEquals(4, element(0).head());
    }

    @Test
    void aBrokenTableIsShownAsTheDescriptorThatNamesIt() {
        driver.raw(1, GuestWindow.HOLE, 32, 0xFFFF, INDIRECT);
        driver.raw(2, TABLE, 8, 2, INDIRECT);
        assertEquals(List.of(new Descriptor(GuestWindow.HOLE, 32, INDIRECT)), element(1).descriptors());
        assertEquals(0xFFFF, element(1).head());
        assertEquals(List.of(new Descriptor(TABLE, 8, INDIRECT)), element(2).descriptors());
    }

    @Test
    void aChainWithoutAnEndIsCutOff() {
        for (int i = 0; i < SIZE; i++) {
            driver.raw(i, 1, 1, i, NEXT);
        }
        assertEquals(SIZE, element(2).descriptors().size());
        RawPackedRing large = new RawPackedRing(32768);
        PackedRing device = large.device(RingSuite.FROM_GUEST);
        for (int i = 0; i < 32768; i++) {
            large.raw(i, GuestWindow.MAIN, 16 * 32768, 0, NEXT);
        }
        assertEquals(256, device.element(large.window.memory, 32767).descriptors().size());
        large.raw(0, GuestWindow.MAIN, 16 * 32768, 0, INDIRECT);
        assertEquals(256, device.element(large.window.memory, 0).descriptors().size());
    }
}
