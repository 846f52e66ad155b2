package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.queue.ControlException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Sizes and positions of split rings, as a front-end sets them. */
class SplitControlTest {
    @ParameterizedTest
    @ValueSource(ints = {3, 6, 100, 32767})
    void aSizeThatIsNoPowerOfTwoIsRefused(int size) throws ControlException {
        try (TestGuest guest = new TestGuest(TestGuest.MODERN, TestGuest.RING, 1)) {
            guest.control.features(guest.features);
            String text = assertThrows(
                    ControlException.class, () -> guest.control.ringSize(1, size)).getMessage();
            assertEquals(
                    "queue 1: size " + size + " of a split ring is not a power of two from 1 to 32768", text);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0x1_0000, 0x8000_8000, -1})
    void aBaseThatIsNoIndexIsRefused(int base) throws ControlException {
        try (TestGuest guest = TestGuest.running()) {
            guest.control.stopRing(1);
            String text = assertThrows(
                    ControlException.class, () -> guest.control.ringBase(1, base)).getMessage();
            assertTrue(text.contains(Integer.toUnsignedString(base)), text);
            guest.control.ringBase(1, 0xFFFF);
            assertEquals(0xFFFF, guest.control.stopRing(1));
        }
    }

    /** After a device that died the used index in memory tells where its successor goes on. */
    @Test
    void aBaseBehindTheUsedIndexIsCorrected() throws ControlException {
        Packet[] packets = new Packet[4];
        try (TestGuest guest = TestGuest.running(); PacketPool pool = PacketPool.create(4, 512)) {
            TestQueue queue = guest.fromGuest();
            for (int i = 0; i < 3; i++) {
                queue.send(new byte[72], 72);
            }
            assertEquals(3, queue.queue.dequeueBurst(pool, packets, 0, 4));
            pool.release(packets, 0, 3);
            guest.control.stopRing(1);
            guest.control.ringBase(1, 1);
            guest.control.kick(1, null);
            assertEquals(0, queue.queue.dequeueBurst(pool, packets, 0, 4), "these were used before");
            queue.send(new byte[72], 72);
            assertEquals(1, queue.queue.dequeueBurst(pool, packets, 0, 4));
            packets[0].release();
            assertEquals(4, guest.control.stopRing(1));
        }
    }
}
