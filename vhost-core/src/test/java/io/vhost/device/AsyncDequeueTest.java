package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.dma.DmaChannel;
import io.vhost.dma.DmaRegistry;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.queue.ControlException;
import io.vhost.state.QueueCounters.Counter;
import io.vhost.state.RingViolation;
import io.vhost.testing.FaultyDmaEngine;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Packets from the guest through a DMA channel. */
class AsyncDequeueTest extends AsyncFixture {
    private void send(int number, int length, int... lengths) {
        guest.fromGuest().send(TestGuest.join(new byte[HEADER], TestGuest.pattern(length, number)), lengths);
    }

    private static byte[] bytes(Packet packet) {
        byte[] bytes = new byte[packet.length()];
        packet.copyTo(bytes, 0);
        return bytes;
    }

    @Test
    void packetsArriveInTheOrderOfTheGuestWhenTheirDataHas() throws ControlException {
        VirtQueue queue = started(1);
        for (int i = 0; i < 40; i++) {
            send(i, 300, 312);
        }
        engine.hold(true);
        assertEquals(0, queue.tryDequeueBurst(pool, done, 0, 64, channel));
        assertEquals(40, queue.getInflight());
        assertEquals(-1, guest.fromGuest().ring.poll());
        engine.hold(false);
        assertEquals(15, queue.tryDequeueBurst(pool, done, 0, 15, channel));
        assertEquals(25, queue.clearQueue(done, 15, 100, channel));
        for (int i = 0; i < 40; i++) {
            assertArrayEquals(TestGuest.pattern(300, i), bytes(done[i]));
            guest.fromGuest().ring.poll();
        }
        assertEquals(40, counted(1, Counter.PACKETS));
        assertEquals(12_000, counted(1, Counter.BYTES));
        assertBalanced(1);
        pool.release(done, 0, 40);
    }

    /** A burst that is refused has taken nothing: the announcement comes with the next that is not. */
    @Test
    void aRefusedBurstLosesNoAnnouncement() throws ControlException {
        VirtQueue queue = started(1);
        guest.control.announce(0x5254_0012_3456L);
        DmaRegistry strange = new DmaRegistry();
        DmaChannel stranger = strange.configure("stranger", FaultyDmaEngine.seeded(1).build());
        assertThrows(IllegalArgumentException.class, () -> queue.tryDequeueBurst(pool, done, 0, 8, stranger));
        strange.close();
        queue.unregisterAsync();
        assertEquals(0, queue.tryDequeueBurst(pool, done, 0, 8, channel));
        queue.registerAsync();
        assertEquals(0, pool.outstanding());
        send(1, 100, 112);
        engine.hold(true);
        assertEquals(1, queue.tryDequeueBurst(pool, done, 0, 8, channel));
        assertEquals(0x8035, done[0].networkShortAt(12));
        assertEquals(1, queue.getInflight());
        guest.control.announce(0x5254_0012_3456L);
        assertThrows(IllegalStateException.class, () -> queue.dequeueBurst(pool, done, 1, 8));
        engine.hold(false);
        assertEquals(1, queue.clearQueue(done, 1, 8, channel));
        assertEquals(1, queue.dequeueBurst(pool, done, 2, 8));
        assertEquals(0x8035, done[2].networkShortAt(12));
        pool.release(done, 0, 3);
    }

    /** What the device has to say itself takes of the room of a burst. */
    @Test
    void behindAnAnnouncementTheBurstIsOneShorter() throws ControlException {
        VirtQueue queue = started(1);
        engine.hold(true);
        send(1, 100, 112);
        send(2, 100, 112);
        guest.control.announce(0x5254_0012_3456L);
        assertEquals(1, queue.tryDequeueBurst(pool, done, 0, 1, channel));
        assertEquals(0, queue.getInflight());
        guest.control.announce(0x5254_0012_3456L);
        assertEquals(1, queue.tryDequeueBurst(pool, done, 1, 2, channel));
        assertEquals(1, queue.getInflight());
        engine.hold(false);
        assertEquals(1, queue.clearQueue(done, 2, 8, channel));
        assertEquals(1, queue.tryDequeueBurst(pool, done, 3, 8, channel));
        assertArrayEquals(TestGuest.pattern(100, 2), bytes(done[3]));
        pool.release(done, 0, 4);
    }

    @Test
    void aPacketIsCollectedFromItsBuffersWhereverTheHeaderEnds() throws ControlException {
        VirtQueue queue = started(1);
        send(1, 100, 12, 100);
        send(2, 100, 5, 7, 50, 50);
        send(3, 100, 5, 50, 57);
        assertEquals(3, queue.tryDequeueBurst(pool, done, 0, 8, channel));
        for (int i = 0; i < 3; i++) {
            assertArrayEquals(TestGuest.pattern(100, i + 1), bytes(done[i]));
        }
        pool.release(done, 0, 3);
    }

    /** Bug e31b57e732: a chain that is not longer than the header. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 11, 12})
    void aChainWithoutDataFencesTheQueueAndThoseBeforeItArrive(int length) throws ControlException {
        VirtQueue queue = started(1);
        send(1, 100, 112);
        guest.fromGuest().send(new byte[length], length);
        send(2, 100, 112);
        assertEquals(1, queue.tryDequeueBurst(pool, done, 0, 8, channel));
        assertEquals(RingViolation.NO_ROOM_FOR_HEADER, queue.violation());
        assertEquals(0, queue.getInflight());
        assertBalanced(1);
        done[0].release();
    }

    @Test
    void aPacketTooLargeForThePoolIsDroppedInItsTurn() throws ControlException {
        VirtQueue queue = started(1);
        send(1, 100, 112);
        send(2, 3000, 3012);
        send(3, 100, 112);
        assertEquals(2, queue.tryDequeueBurst(pool, done, 0, 8, channel));
        assertArrayEquals(TestGuest.pattern(100, 3), bytes(done[1]));
        assertEquals(1, counted(1, Counter.OVERSIZE));
        assertEquals(1, counted(1, Counter.COPY_FAILED));
        assertBalanced(1);
        pool.release(done, 0, 2);
    }

    @Test
    void offloadFieldsAreBelievedWhenTheDataHasArrived() throws ControlException {
        VirtQueue queue = started(1);
        byte[] frame = TestGuest.join(new byte[HEADER], TestGuest.pattern(100, 1));
        frame[0] = 1;
        frame[6] = 34;
        frame[8] = 16;
        guest.fromGuest().send(frame, 112);
        byte[] nonsense = frame.clone();
        nonsense[6] = 99;
        guest.fromGuest().send(nonsense, 112);
        assertEquals(1, queue.tryDequeueBurst(pool, done, 0, 8, channel));
        assertTrue(done[0].needsChecksum());
        assertEquals(34, done[0].checksumStart());
        assertEquals(16, done[0].checksumOffset());
        assertEquals(1, counted(1, Counter.BAD_OFFLOAD));
        assertBalanced(1);
        done[0].release();
    }

    @Test
    void aPoolThatIsEmptyOrClosedTakesNoChain() throws ControlException {
        VirtQueue queue = started(1);
        for (int i = 0; i < 3; i++) {
            send(i, 100, 112);
        }
        PacketPool small = PacketPool.create(2, 512);
        assertEquals(2, queue.tryDequeueBurst(small, done, 0, 8, channel));
        assertEquals(1, counted(1, Counter.POOL_EMPTY));
        small.release(done, 0, 2);
        small.close();
        assertThrows(IllegalStateException.class, () -> queue.tryDequeueBurst(small, done, 0, 8, channel));
        assertBalanced(1);
        assertEquals(1, queue.tryDequeueBurst(pool, done, 0, 8, channel), "the chain is still there");
        assertArrayEquals(TestGuest.pattern(100, 2), bytes(done[0]));
        assertNull(queue.violation());
        done[0].release();
    }

    /** A failed copy gives nobody the bytes that were in the pool's buffer before. */
    @Test
    void aPacketWhoseCopyFailedIsNotHandedOut() throws ControlException {
        start(features(), 64, FaultyDmaEngine.seeded(3).failureRate(1));
        VirtQueue queue = queue(1);
        queue.registerAsync();
        send(1, 100, 112);
        while (queue.tryDequeueBurst(pool, done, 0, 8, channel) == 0 && counted(1, Counter.COMPLETED) == 0) {
            Thread.onSpinWait();
        }
        assertEquals(1, counted(1, Counter.COPY_FAILED));
        assertEquals(0, pool.outstanding());
        assertEquals(0, queue.getInflight());
        assertTrue(queue.isRunning());
        assertBalanced(1);
    }

    @Test
    void aFullChannelTruncatesAndTheRestComesLater() throws ControlException {
        start(features(), 64, FaultyDmaEngine.seeded(4).depth(7).capacity(6));
        VirtQueue queue = queue(1);
        queue.registerAsync();
        for (int i = 0; i < 15; i++) {
            send(i, 100, 12, 40, 60);
        }
        int got = 0;
        while (got < 15) {
            got += queue.tryDequeueBurst(pool, done, got, 4, channel);
        }
        for (int i = 0; i < 15; i++) {
            assertArrayEquals(TestGuest.pattern(100, i), bytes(done[i]));
        }
        assertTrue(counted(1, Counter.TRUNCATED) > 0);
        assertBalanced(1);
        pool.release(done, 0, 15);
    }

    /** Trap: a guest whose memory vanishes between header and copy. */
    @Test
    void memoryThatVanishesInTheMiddleOfABurstLosesNoPacket() throws ControlException {
        VirtQueue queue = started(1);
        send(1, 100, 112);
        byte[] frame = TestGuest.join(new byte[HEADER], TestGuest.pattern(100, 2));
        guest.fromGuest().sendAt(TestGuest.SIZE - 8192, frame, 112);
        guest.truncate(TestGuest.SIZE - 8192);
        engine.hold(true);
        assertEquals(0, queue.tryDequeueBurst(pool, done, 0, 8, channel));
        assertEquals(RingViolation.MEMORY_LOST, queue.violation());
        engine.hold(false);
        while (queue.getInflight() > 0) {
            assertEquals(0, queue.clearQueue(done, 0, 8, channel));
        }
        assertFalse(queue.isRunning());
        assertEquals(0, pool.outstanding());
        assertBalanced(1);
    }
}
