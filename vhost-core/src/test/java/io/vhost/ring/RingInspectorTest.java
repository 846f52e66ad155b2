package io.vhost.ring;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.vhost.state.RingElement;
import io.vhost.state.RingElement.Descriptor;
import io.vhost.state.RingPositions;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A look at what the driver offers, whatever that is. */
class RingInspectorTest {
    private static final int SIZE = 8;
    private static final long TABLE = GuestWindow.BUFFERS + 0x1000;

    private final RawSplitRing driver = new RawSplitRing(SIZE);
    private final SplitRing ring = driver.device(new RingOptions(false, true, false, false));

    private RingElement element(int position) {
        return ring.element(driver.window.memory, position);
    }

    @Test
    void aChainIsShownWithAddressesLengthsAndFlagsAndTheRingStaysAsItIs() {
        driver.desc(3, 0x1111, 10, RawSplitRing.NEXT, 5);
        driver.desc(5, 0x2222, -1, RawSplitRing.WRITE, 0);
        driver.offer(3);
        driver.availFlags(1);
        assertEquals(new RingElement(3,
                List.of(new Descriptor(0x1111, 10, 1), new Descriptor(0x2222, 0xFFFF_FFFFL, 2)), 1, 1, 0, 0),
                element(0));
        assertEquals(element(0), element(SIZE));
        assertEquals(new RingPositions(0, false, 0, 0, false, 0, false, 0), ring.positions());
        assertEquals(null, ring.violation());
    }

    @Test
    void anIndirectTableIsShownInPlaceOfItsDescriptor() {
        driver.tableDesc(TABLE, 0, 0x1111, 10, RawSplitRing.NEXT, 1);
        driver.tableDesc(TABLE, 1, 0x2222, 20, 0, 0);
        driver.desc(0, TABLE, 32, RawSplitRing.INDIRECT, 0);
        driver.offer(0);
        assertEquals(List.of(new Descriptor(0x1111, 10, 1), new Descriptor(0x2222, 20, 0)),
                element(0).descriptors());
    }

    @Test
    void aBrokenChainEndsWhereItBreaks() {
        driver.desc(0, 1, 1, RawSplitRing.NEXT, SIZE);
        driver.desc(1, GuestWindow.HOLE, 32, RawSplitRing.INDIRECT, 0);
        driver.desc(2, TABLE, 8, RawSplitRing.INDIRECT, 0);
        driver.offer(0, 1, 2, SIZE, 0xFFFF);
        assertEquals(List.of(new Descriptor(1, 1, 1)), element(0).descriptors());
        assertEquals(List.of(new Descriptor(GuestWindow.HOLE, 32, 4)), element(1).descriptors());
        assertEquals(List.of(new Descriptor(TABLE, 8, 4)), element(2).descriptors());
        assertEquals(List.of(), element(3).descriptors());
        assertEquals(0xFFFF, element(4).head());
        assertEquals(List.of(), element(4).descriptors());
    }

    @Test
    void aLoopEndsAndSoDoesATableThatLeadsToItself() {
        driver.desc(0, 1, 1, RawSplitRing.NEXT, 0);
        long self = GuestWindow.MAIN;
        driver.desc(1, self, 16 * SIZE, RawSplitRing.INDIRECT, 0);
        driver.offer(0, 1);
        assertEquals(SIZE, element(0).descriptors().size());
        driver.desc(0, self, 16 * SIZE, RawSplitRing.INDIRECT | RawSplitRing.NEXT, 0);
        assertEquals(SIZE, element(1).descriptors().size());
    }
}
