package io.vhost.ring;

import static io.vhost.ring.RawPackedRing.INDIRECT;
import static io.vhost.ring.RawPackedRing.LENGTH;
import static io.vhost.ring.RawPackedRing.NEXT;
import static io.vhost.ring.RawPackedRing.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.state.RingPositions;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The suite on a packed ring, and what only a packed ring has. */
class PackedRingTest extends RingSuite {
    private static final RingOptions IN_ORDER_FROM_GUEST = new RingOptions(false, true, false, true);

    @Override
    RingFormat format() {
        return RingFormat.PACKED;
    }

    @Override
    IntStream sizes() {
        return IntStream.of(1, 2, 3, 4, 5, 64, 255, 256, 1000, 4096, 32767, 32768);
    }

    @Override
    int randomSize(Random random) {
        return 1 + random.nextInt(300);
    }

    @ParameterizedTest
    @ValueSource(ints = {-4, 0, 32769, 65536})
    void aSizeThatIsNotFrom1To32768IsRefused(int size) {
        GuestWindow window = new GuestWindow();
        RingAddresses addresses = new RingAddresses(0, 0x9_0000, 0xA_0000);
        assertThrows(IllegalArgumentException.class,
                () -> format().device(window.memory, addresses, size, TO_GUEST, format().start()));
        assertThrows(IllegalArgumentException.class,
                () -> format().driver(window.segment, addresses, size, TO_GUEST));
    }

    private static long used(int id, int written, boolean wrap) {
        int flags = PackedLayout.usedFlags(wrap) | (written == 0 ? 0 : WRITE);
        return PackedLayout.word(written, id, flags);
    }

    private static void gatherAndPublish(RawPackedRing raw, PackedRing ring, int... written) {
        assertEquals(written.length, ring.gather(raw.batch, written.length));
        for (int i = 0; i < written.length; i++) {
            raw.batch.written(i, written[i]);
        }
        ring.publish(raw.batch);
        assertNull(ring.violation());
    }

    @Test
    void usedDescriptorsCarryIdAndLengthAndWhetherAnythingWasWritten() {
        RawPackedRing raw = new RawPackedRing(5);
        PackedRing ring = raw.device(TO_GUEST);
        raw.desc(RawPackedRing.buffer(0), LENGTH, 4, WRITE);
        raw.desc(RawPackedRing.buffer(1), LENGTH, 0, WRITE);
        raw.desc(RawPackedRing.buffer(2), LENGTH, 2, WRITE);
        gatherAndPublish(raw, ring, 10, 0, -1);
        assertEquals(used(4, 10, true), raw.word(0));
        assertEquals(used(0, 0, true), raw.word(1));
        assertEquals(used(2, -1, true), raw.word(2));
        assertEquals(0, raw.word(3));
        assertEquals(new RingPositions(3, true, 3, 3, true, 0, false, 0), ring.positions());
    }

    /** A chain is used by one descriptor, where its first stood; its id stands in its last one. */
    @Test
    void aChainIsUsedByOneDescriptorAlsoAcrossTheEndOfTheRing() {
        RawPackedRing raw = new RawPackedRing(5);
        raw.start(2, true);
        PackedRing ring = raw.device(TO_GUEST, PackedBase.of(PackedLayout.offWrap(2, true)));
        raw.desc(RawPackedRing.buffer(0), LENGTH, 9, WRITE);
        int[] ids = {77, 0xFFFF, 3};
        for (int i = 0; i < 3; i++) {
            raw.desc(RawPackedRing.buffer(i), LENGTH, ids[i], i < 2 ? WRITE | NEXT : WRITE);
        }
        raw.desc(RawPackedRing.buffer(4), LENGTH, 1, WRITE);
        assertEquals(0, ring.gather(raw.batch, 5), "9 is no id here");
        raw.raw(2, RawPackedRing.buffer(0), LENGTH, 0, WRITE | PackedLayout.availFlags(true));
        ring = raw.device(TO_GUEST, ring.base());
        long behind = raw.word(4);
        gatherAndPublish(raw, ring, 5, 3 * LENGTH, 7);
        assertEquals(used(0, 5, true), raw.word(2));
        assertEquals(used(3, 3 * LENGTH, true), raw.word(3));
        assertEquals(behind, raw.word(4), "the chain's other descriptors are left as they are");
        assertEquals(used(1, 7, false), raw.word(1));
        assertEquals(new RingPositions(2, false, 2, 2, false, 2, false, 0), ring.positions());
    }

    @Test
    void aBatchThatTheDeviceOnlyReadIsUsedByOneDescriptorWhenInOrder() {
        for (int before = 0; before < 7; before++) {
            RawPackedRing raw = new RawPackedRing(7);
            raw.start(before, true);
            int base = PackedBase.of(PackedLayout.offWrap(before, true));
            PackedRing ring = raw.device(IN_ORDER_FROM_GUEST, base);
            raw.offer(2, 0);
            raw.desc(RawPackedRing.buffer(2), LENGTH, 9, NEXT);
            raw.desc(RawPackedRing.buffer(3), LENGTH, 2, 0);
            raw.desc(RawPackedRing.buffer(4), LENGTH, 6, 0);
            long second = raw.word((before + 1) % 7);
            gatherAndPublish(raw, ring, 0, 0, 0, 0);
            assertEquals(used(6, 0, true), raw.word(before));
            assertEquals(second, raw.word((before + 1) % 7), "nothing but the first is written");
            int next = (before + 5) % 7;
            assertEquals(next, ring.positions().nextUsed());
            assertEquals(before < 2, ring.positions().usedWrap());
            assertEquals(0, ring.positions().inUse());
            raw.offer(1, 0);
            gatherAndPublish(raw, ring, 0);
            assertEquals(used(0, 0, before < 2), raw.word(next));
        }
    }

    /** What the device wrote into chains that have no descriptor of their own would be lost. */
    @Test
    void aBatchThatTheDeviceMayHaveWrittenIsUsedChainByChainAlsoWhenInOrder() {
        RawPackedRing raw = new RawPackedRing(5);
        PackedRing ring = raw.device(IN_ORDER);
        raw.offer(2, WRITE);
        raw.desc(RawPackedRing.buffer(2), LENGTH, 2, 0);
        gatherAndPublish(raw, ring, 3, 0, 0);
        assertEquals(used(0, 3, true), raw.word(0));
        assertEquals(used(1, 0, true), raw.word(1));
        assertEquals(used(2, 0, true), raw.word(2));
    }

    @Test
    void withoutInOrderEachChainIsUsedByADescriptorOfItsOwn() {
        RawPackedRing raw = new RawPackedRing(5);
        PackedRing ring = raw.device(FROM_GUEST);
        raw.offer(3, 0);
        gatherAndPublish(raw, ring, 0, 0, 0);
        for (int i = 0; i < 3; i++) {
            assertEquals(used(i, 0, true), raw.word(i));
        }
    }

    /** All of the table is the chain (virtio 1.2, 2.8.7). */
    @Test
    void inATableAllFlagsButOneAreIgnored() {
        RawPackedRing raw = new RawPackedRing(4);
        PackedRing ring = raw.device(FROM_GUEST);
        int[] flags = {0, NEXT, RawPackedRing.AVAIL, RawPackedRing.USED | NEXT, 0x7F78};
        for (int i = 0; i < flags.length; i++) {
            raw.tableDesc(GuestWindow.FAR, i, RawPackedRing.buffer(i), 10 + i, flags[i]);
        }
        raw.desc(GuestWindow.FAR, 16 * flags.length, 3, INDIRECT | WRITE);
        assertEquals(1, ring.gather(raw.batch, 4));
        assertEquals(flags.length, raw.batch.endBuffer(0));
        for (int i = 0; i < flags.length; i++) {
            assertEquals(10 + i, raw.batch.bufferLength(i));
        }
        assertEquals(3, raw.batch.id(0));
    }

    /** Table entries may lie anywhere, other than descriptors of the ring. */
    @Test
    void aTableNeedsNoAlignment() {
        RawPackedRing raw = new RawPackedRing(4);
        PackedRing ring = raw.device(FROM_GUEST);
        raw.tableDesc(GuestWindow.FAR + 1, 0, RawPackedRing.buffer(0), 10, 0);
        raw.desc(GuestWindow.FAR + 1, 16, 3, INDIRECT);
        assertEquals(1, ring.gather(raw.batch, 4));
        assertEquals(10, raw.batch.length(0));
    }

    @Test
    void flagsThatMeanNothingAreIgnored() {
        RawPackedRing raw = new RawPackedRing(4);
        PackedRing ring = raw.device(FROM_GUEST);
        raw.offer(1, 0x7F78);
        assertEquals(1, ring.gather(raw.batch, 4));
        assertEquals(LENGTH, raw.batch.length(0));
    }

    /** Flags of descriptors behind the head say nothing about whether they are available. */
    @Test
    void aChainIsAvailableWithItsHead() {
        RawPackedRing raw = new RawPackedRing(4);
        PackedRing ring = raw.device(FROM_GUEST);
        raw.raw(1, RawPackedRing.buffer(1), LENGTH, 2, 0);
        raw.desc(RawPackedRing.buffer(0), LENGTH, 2, NEXT);
        assertEquals(1, ring.gather(raw.batch, 4));
        assertEquals(2 * LENGTH, raw.batch.length(0));
    }

    @Test
    void theKickWishStandsInTheDeviceArea() {
        RawPackedRing flags = new RawPackedRing(4);
        PackedRing ring = flags.device(TO_GUEST);
        assertFalse(ring.kicksWanted());
        ring.disableKicks();
        assertEquals(1 << 16, flags.deviceEvent());
        ring.enableKicks();
        assertTrue(ring.kicksWanted());
        assertEquals(0, flags.deviceEvent());
        RawPackedRing events = new RawPackedRing(4);
        ring = events.device(EVENT_IDX, 0x8003_8003);
        ring.enableKicks();
        assertEquals(2 << 16 | 0x8003, events.deviceEvent());
        ring.disableKicks();
        assertEquals(1 << 16, events.deviceEvent());
        events.start(3, true);
        events.offer(1, WRITE);
        assertTrue(ring.enableKicks());
        assertEquals(1, ring.gather(events.batch, 1));
        assertFalse(ring.enableKicks());
        assertEquals(2 << 16, events.deviceEvent(), "position 0 of the lap with wrap counter 0");
    }

    @Test
    void aRingGoesOnAtItsBase() {
        for (int size : new int[] {1, 2, 3, 5, 32768}) {
            for (boolean wrap : new boolean[] {false, true}) {
                RawPackedRing raw = new RawPackedRing(size);
                raw.start(size - 1, wrap);
                int base = PackedBase.of(PackedLayout.offWrap(size - 1, wrap));
                for (int i = 0; i < 4; i++) {
                    PackedRing ring = raw.device(TO_GUEST, base);
                    assertEquals(base, ring.base());
                    assertFalse(ring.hasAvailable());
                    raw.offer(1, WRITE);
                    assertTrue(ring.hasAvailable());
                    assertEquals(1, ring.gather(raw.batch, 1));
                    assertEquals(base, ring.base(), "what is not given back is taken again");
                    ring = raw.device(TO_GUEST, base);
                    raw.batch.clear();
                    gatherAndPublish(raw, ring, 1);
                    base = ring.base();
                    assertEquals(PackedBase.of(PackedLayout.offWrap(raw.position, raw.wrap)), base);
                    assertEquals(base, format().resume(raw.window.memory, raw.addresses, base));
                }
            }
        }
    }

    /** The device holds chains on both sides of the end of the ring. */
    @Test
    void theWrapCountersDifferWhileChainsAcrossTheEndAreHeld() {
        RawPackedRing raw = new RawPackedRing(3);
        raw.start(2, true);
        PackedRing ring = raw.device(TO_GUEST, PackedBase.of(PackedLayout.offWrap(2, true)));
        ChainsInFlight chains = new ChainsInFlight(3);
        raw.offer(3, WRITE);
        assertEquals(3, ring.gather(raw.batch, 3));
        chains.take(raw.batch, 0, 3);
        ring.keep(raw.batch, 3);
        assertEquals(new RingPositions(2, false, 2, 2, true, 2, false, 3), ring.positions());
        assertFalse(ring.hasAvailable());
        for (int id : new int[] {1, 2, 0}) {
            chains.giveBack(id);
            ring.publish(chains);
            chains.forgetReturned();
        }
        assertEquals(used(1, 0, true), raw.word(2));
        assertEquals(used(2, 0, false), raw.word(0));
        assertEquals(used(0, 0, false), raw.word(1));
        assertEquals(new RingPositions(2, false, 2, 2, false, 2, false, 0), ring.positions());
        assertNull(ring.violation());
    }

    @Test
    void chainsAreTakenBackAcrossTheEndOfTheRing() {
        for (int size = 1; size <= 6; size++) {
            for (int at = 0; at < size; at++) {
                RawPackedRing raw = new RawPackedRing(size);
                raw.start(at, false);
                PackedRing ring = raw.device(TO_GUEST, PackedBase.of(PackedLayout.offWrap(at, false)));
                raw.offer(size, WRITE);
                RingPositions before = ring.positions();
                for (int count = 0; count <= size; count++) {
                    assertEquals(size, ring.gather(raw.batch, size));
                    ring.ungather(raw.batch, count);
                    assertEquals(size - count, ring.positions().inUse());
                    ring.ungather(raw.batch, size - count);
                    assertEquals(before, ring.positions());
                }
                assertNull(ring.violation());
            }
        }
    }
}
