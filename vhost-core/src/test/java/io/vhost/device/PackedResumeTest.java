package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.queue.ControlException;
import io.vhost.state.RingViolation;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How a packed ring goes on after its device has gone, which the front-end's base alone can tell. */
class PackedResumeTest {
    private static final int SIZE = 5;

    private static void move(TestGuest guest, int count) {
        Packet[] packets = new Packet[1];
        try (PacketPool pool = PacketPool.create(1, 512)) {
            for (int i = 0; i < count; i++) {
                guest.fromGuest().sendAt(
                        TestGuest.BUFFERS, new byte[guest.headerLength() + 60], guest.headerLength() + 60);
                assertEquals(1, guest.fromGuest().queue.dequeueBurst(pool, packets, 0, 1));
                packets[0].release();
                guest.fromGuest().assertUsed(0, 0);
            }
        }
    }

    private static void restart(TestGuest guest, int base) throws ControlException {
        TestQueue queue = guest.fromGuest();
        guest.control.stopRing(1);
        guest.control.ringBase(1, base);
        guest.control.kick(1, queue.kick.descriptor().duplicate());
    }

    /** Every position of two laps, which are all that there are. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, SIZE - 1, SIZE, SIZE + 1, 2 * SIZE - 1, 2 * SIZE})
    void aRingGoesOnWhereItWasStopped(int moved) throws ControlException {
        try (TestGuest guest = new TestGuest(TestGuest.PACKED, SIZE, 1)) {
            guest.start();
            move(guest, moved);
            int base = guest.control.stopRing(1);
            int position = moved % SIZE | (moved / SIZE % 2 == 0 ? 0x8000 : 0);
            assertEquals(position << 16 | position, base);
            restart(guest, base);
            assertNull(guest.fromGuest().queue.violation());
            move(guest, SIZE + 2);
        }
    }

    /** QEMU gives the base with which a device began that has died since. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, SIZE - 1, SIZE, SIZE + 1, 2 * SIZE - 1})
    void aRingThatWasUsedBeyondItsBaseIsFencedAndSaysSo(int moved) throws ControlException {
        try (TestGuest guest = new TestGuest(TestGuest.PACKED, SIZE, 1)) {
            guest.start();
            move(guest, moved);
            guest.fromGuest().error.drain();
            restart(guest, 0x8000_8000);
            VirtQueue queue = guest.fromGuest().queue;
            assertEquals(RingViolation.BASE_BEHIND, queue.violation());
            assertFalse(queue.isRunning());
            assertEquals(1, queue.counters().get(RingViolation.BASE_BEHIND));
            assertEquals(1, guest.fromGuest().error.drain());
            assertTrue(guest.toGuest().queue.isRunning(), "the other queue is not disturbed");
            int base = moved % SIZE | (moved / SIZE % 2 == 0 ? 0x8000 : 0);
            restart(guest, base << 16 | base);
            assertNull(queue.violation());
            move(guest, SIZE);
        }
    }

    /** The descriptors are gone and the event areas are not, so that the look at the ring is what fails. */
    @Test
    void aRingThatIsGoneBeforeItIsLookedAtIsNotAnnounced() throws ControlException {
        try (TestGuest guest = TestGuest.running(TestGuest.PACKED)) {
            TestQueue queue = guest.fromGuest();
            guest.control.stopRing(1);
            long desc = TestGuest.USER + 0x20_0000;
            long avail = TestGuest.USER + queue.addresses.avail();
            guest.control.ringAddresses(1, desc, avail, TestGuest.USER + queue.addresses.used(), 0, 0);
            guest.control.ringBase(1, 0x8000_8000);
            guest.truncate(0x10_0000);
            assertThrows(ControlException.class, () -> guest.control.kick(1, null));
            assertFalse(queue.queue.isRunning());
            assertTrue(guest.device.isFailed());
        }
    }
}
