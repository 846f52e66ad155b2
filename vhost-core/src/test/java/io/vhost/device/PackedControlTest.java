package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.dma.DmaChannel;
import io.vhost.dma.DmaRegistry;
import io.vhost.dma.engine.InlineDmaEngine;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.queue.ControlException;
import io.vhost.state.QueueSnapshot;
import io.vhost.state.RingViolation;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Sizes, positions and event areas of packed rings, as a front-end sets them. */
class PackedControlTest {
    private static final int SIZE = TestGuest.RING;

    private static String refused(Executable request) {
        return assertThrows(ControlException.class, request).getMessage();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 100, 255, 32767, 32768})
    void aRingOfAnySizeIsAccepted(int size) throws ControlException {
        try (TestGuest guest = new TestGuest(TestGuest.PACKED, SIZE, 1)) {
            guest.control.features(guest.features);
            guest.control.ringSize(1, size);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 32769, 65536, -1})
    void aSizeThatIsNoneIsRefusedWithIt(int size) throws ControlException {
        try (TestGuest guest = new TestGuest(TestGuest.PACKED, SIZE, 1)) {
            guest.control.features(guest.features);
            assertEquals("queue 1: size " + Integer.toUnsignedString(size)
                    + " of a packed ring is not a number from 1 to 32768",
                    refused(() -> guest.control.ringSize(1, size)));
        }
    }

    /**
     * In the low half alone, at the ring's ends, with a whole ring between both halves. What comes back is in
     * both halves what was given back last.
     */
    @ParameterizedTest
    @CsvSource({
        "0x00008000, 0x80008000",
        "0x80008000, 0x80008000",
        "0x0000003F, 0x003F003F",
        "0x803F803F, 0x803F803F",
        "0x003F003F, 0x003F003F",
        "0x003F803F, 0x003F003F",
        "0x80050005, 0x80058005",
        "0x803F0000, 0x803F803F"})
    void aPositionInTheRingIsAccepted(long base, long then) throws ControlException {
        try (TestGuest guest = TestGuest.running(TestGuest.PACKED)) {
            guest.control.stopRing(1);
            guest.control.ringBase(1, (int) base);
            guest.control.kick(1, null);
            assertTrue(guest.fromGuest().queue.isRunning());
            assertEquals((int) then, guest.control.stopRing(1));
        }
    }

    /** Beyond the ring in either half, and wrap counters that put too many chains between the two. */
    @ParameterizedTest
    @ValueSource(longs = {
        0x8040_8040L, 0x0000_8040L, 0x8000_8040L, 0x8040_8000L, 0xFFFF_FFFFL, 0x8001_8000L, 0x0002_0001L,
        0x8000_0001L, 0x8005_0006L})
    void aPositionThatIsNoneIsRefusedWithIt(long base) throws ControlException {
        String value = "0x%08x".formatted(base);
        try (TestGuest guest = TestGuest.running(TestGuest.PACKED)) {
            guest.control.stopRing(1);
            guest.control.ringBase(1, (int) base);
            String text = refused(() -> guest.control.kick(1, null));
            assertTrue(text.startsWith("queue 1: base " + value) && text.contains("ring size 64"), text);
            assertFalse(guest.fromGuest().queue.isRunning());
            guest.control.ringBase(1, 0x8000_8000);
            guest.control.kick(1, null);
            assertTrue(guest.fromGuest().queue.isRunning());
        }
        try (TestGuest guest = new TestGuest(TestGuest.PACKED, SIZE, 1)) {
            guest.control.features(guest.features);
            guest.shareMemory();
            guest.control.ringBase(1, (int) base);
            guest.fromGuest().addresses();
            guest.control.ringSize(1, SIZE);
            String text = refused(() -> guest.control.kick(1, null));
            assertTrue(text.contains(value), "only now the size is known: " + text);
            assertFalse(guest.fromGuest().queue.isRunning());
        }
    }

    /** A front-end that makes a ring larger may say first where it goes on, and then how large it is. */
    @Test
    void aBaseMayComeBeforeTheSizeThatItBelongsTo() throws ControlException {
        try (TestGuest guest = new TestGuest(TestGuest.PACKED, SIZE, 1)) {
            guest.start();
            guest.control.stopRing(1);
            guest.control.ringBase(1, 0x8064_8064);
            guest.control.ringSize(1, 0x65);
            guest.control.kick(1, null);
            assertTrue(guest.fromGuest().queue.isRunning());
            assertEquals(0x8064_8064, guest.control.stopRing(1));
            guest.control.ringSize(1, 0x64);
            assertTrue(refused(() -> guest.control.kick(1, null)).contains("ring size 100"));
        }
    }

    @Test
    void anEventAreaThatIsMisalignedIsRefusedAndTheRingGoesOn() throws ControlException {
        try (TestGuest guest = TestGuest.running(TestGuest.PACKED)) {
            long desc = TestGuest.USER + guest.fromGuest().addresses.desc();
            long avail = TestGuest.USER + guest.fromGuest().addresses.avail();
            long used = TestGuest.USER + guest.fromGuest().addresses.used();
            for (int odd = 1; odd < 4; odd++) {
                long bad = odd;
                assertEquals("queue 1: driver area at 0x%x is not aligned to 4 bytes".formatted(avail + bad),
                        refused(() -> guest.control.ringAddresses(1, desc, avail + bad, used, 0, 0)));
                assertEquals("queue 1: device area at 0x%x is not aligned to 4 bytes".formatted(used + bad),
                        refused(() -> guest.control.ringAddresses(1, desc, avail, used + bad, 0, 0)));
            }
            assertTrue(guest.fromGuest().queue.isRunning());
            guest.control.ringAddresses(1, desc, avail + 4, used + 4, 0, 0);
            assertTrue(guest.fromGuest().queue.isRunning());
        }
    }

    /** The features may come, or change, after the size. */
    @Test
    void aSizeThatTheFormatDoesNotHaveIsRefusedWhenTheRingIsStarted() throws ControlException {
        try (TestGuest guest = new TestGuest(TestGuest.PACKED, SIZE, 1)) {
            guest.control.features(TestGuest.PACKED);
            guest.shareMemory();
            guest.control.ringSize(1, 3);
            guest.fromGuest().addresses();
            guest.control.features(TestGuest.MODERN);
            assertEquals("queue 1: size 3 of a split ring is not a power of two from 1 to 32768",
                    refused(() -> guest.control.kick(1, null)));
            assertFalse(guest.fromGuest().queue.isRunning());
            assertEquals(0, guest.control.stopRing(1));
            guest.control.ringSize(1, SIZE);
            guest.control.kick(1, null);
            guest.control.enable(1, true);
            assertTrue(guest.fromGuest().queue.isRunning());
        }
    }

    /** GET_VRING_BASE is answered even where the position is none any more. */
    @Test
    void aRingThatWasMadeSmallerThanItsPositionTellsItAndIsNotStarted() throws ControlException {
        try (TestGuest guest = TestGuest.running(TestGuest.PACKED)) {
            guest.control.stopRing(1);
            guest.control.ringBase(1, 0x803F_803F);
            guest.control.ringSize(1, SIZE - 1);
            assertEquals(0x803F_803F, guest.control.stopRing(1));
            assertTrue(refused(() -> guest.control.kick(1, null)).contains("0x803f803f"));
            guest.control.ringBase(1, 0x803E_803E);
            guest.control.kick(1, null);
            assertTrue(guest.fromGuest().queue.isRunning());
        }
    }

    /** A poll asks for the guest's wish for interrupts, and looks at no chain. */
    @Test
    void anEventThatMeansNothingIsFencedByAPollToo() throws ControlException {
        try (DmaRegistry registry = new DmaRegistry();
                TestGuest guest = TestGuest.asynchronous(TestGuest.PACKED, 8, registry);
                PacketPool pool = PacketPool.create(1, 512)) {
            DmaChannel channel = registry.configure("test", new InlineDmaEngine());
            VirtQueue queue = guest.toGuest().queue;
            queue.registerAsync();
            guest.toGuest().accept(0, 200);
            Packet[] packets = {pool.take()};
            packets[0].reset(60);
            assertEquals(1, queue.submitEnqueueBurst(packets, 0, 1, channel));
            guest.memory.set(ValueLayout.JAVA_INT, guest.toGuest().addresses.avail(), 3 << 16);
            assertEquals(1, queue.pollEnqueueCompleted(packets, 0, 1, channel));
            assertEquals(RingViolation.EVENT_FLAGS_RESERVED, queue.violation());
            assertEquals(1, queue.counters().get(RingViolation.EVENT_FLAGS_RESERVED));
            assertFalse(queue.isRunning());
            packets[0].release();
            queue.unregisterAsync();
        }
    }

    /** By the position of the next chain to give back, as it will go on. */
    @Test
    void aRingThatIsStoppedIsShownAtItsBase() throws ControlException {
        try (TestGuest guest = TestGuest.running(TestGuest.PACKED)) {
            guest.control.stopRing(1);
            guest.control.ringBase(1, 0x8005_8007);
            QueueSnapshot snapshot = guest.fromGuest().queue.snapshot();
            assertEquals(5, snapshot.nextAvail());
            assertTrue(snapshot.positions().availWrap());
        }
        // The first that is heard of a queue.
        try (TestGuest guest = new TestGuest(TestGuest.PACKED, SIZE, 1)) {
            guest.control.features(guest.features);
            guest.control.ringBase(1, 0x803F_803F);
            QueueSnapshot snapshot = guest.device.queue(1).snapshot();
            assertEquals(0x3F, snapshot.nextUsed());
            assertEquals(0x3F, snapshot.nextAvail());
            assertTrue(snapshot.positions().usedWrap());
        }
        try (TestGuest guest = TestGuest.running(TestGuest.MODERN)) {
            guest.control.stopRing(1);
            guest.control.ringBase(1, 0x9000);
            assertEquals(0x9000, guest.fromGuest().queue.snapshot().nextAvail());
        }
    }
}
