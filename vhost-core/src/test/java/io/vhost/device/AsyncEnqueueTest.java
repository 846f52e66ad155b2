package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.dma.DmaChannel;
import io.vhost.dma.engine.DmaEngine;
import io.vhost.net.Packet;
import io.vhost.queue.ControlException;
import io.vhost.ring.RingFormat;
import io.vhost.state.QueueCounters.Counter;
import io.vhost.state.RingViolation;
import io.vhost.testing.FaultyDmaEngine;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Packets to the guest through a DMA channel. */
class AsyncEnqueueTest extends AsyncFixture {
    @Test
    void packetsGoToTheGuestInOrderAndComeBack() throws ControlException {
        VirtQueue queue = started(0);
        long[] at = new long[40];
        for (int i = 0; i < at.length; i++) {
            at[i] = guest.toGuest().accept(i, 600);
        }
        fill(0, 40, 500);
        engine.hold(true);
        assertEquals(40, queue.submitEnqueueBurst(packets, 0, 40, channel));
        assertEquals(40, queue.getInflight());
        assertEquals(0, queue.pollEnqueueCompleted(done, 0, 40, channel));
        assertEquals(-1, guest.toGuest().ring.poll(), "nothing is used before its copy is done");
        engine.hold(false);
        assertEquals(10, queue.pollEnqueueCompleted(done, 0, 10, channel));
        assertEquals(30, queue.getInflight());
        assertEquals(30, queue.clearQueue(done, 10, 200, channel));
        for (int i = 0; i < 40; i++) {
            assertSame(packets[i], done[i]);
            assertFalse(done[i].isUndelivered());
            guest.toGuest().assertUsed(i, 512);
            assertArrived(at[i], i, 500);
        }
        assertEquals(40, counted(0, Counter.PACKETS));
        assertEquals(20_000, counted(0, Counter.BYTES));
        assertEquals(0, counted(0, Counter.COPY_FAILED));
        assertBalanced(0);
        queue.unregisterAsync();
        pool.release(done, 0, 40);
    }

    /** An application that still writes to a packet that it gave away must not reach beyond the buffer. */
    @Test
    void aPacketThatGrowsAfterItWasPlannedIsCopiedAsPlanned() throws ControlException {
        guest = TestGuest.asynchronous(features(), TestGuest.RING, registry);
        FaultyDmaEngine inner = FaultyDmaEngine.seeded(1).build();
        channel = registry.configure("meddling", new Meddling(inner, () -> packets[1].reset(400)));
        VirtQueue queue = queue(0);
        queue.registerAsync();
        long at = guest.toGuest().allocate(3 * 112);
        byte[] behind = TestGuest.pattern(112, 7);
        guest.put(at + 2 * 112, behind);
        for (int i = 0; i < 2; i++) {
            guest.toGuest().acceptAt(at + 112L * i, i, 112);
        }
        fill(0, 2, 100);
        assertEquals(2, queue.submitEnqueueBurst(packets, 0, 2, channel));
        assertEquals(2, queue.pollEnqueueCompleted(done, 0, 2, channel));
        assertEquals(400, packets[1].length(), "it has grown");
        for (int i = 0; i < 2; i++) {
            guest.toGuest().assertUsed(i, 112);
            assertArrived(at + 112L * i, i, 100);
        }
        assertArrayEquals(behind, guest.bytes(at + 2 * 112, 112));
        pool.release(done, 0, 2);
    }

    /** Does something each time it is asked for room, which is between the plan and the copies. */
    private record Meddling(DmaEngine inner, Runnable between) implements DmaEngine {
        @Override
        public int depth() {
            return inner.depth();
        }

        @Override
        public int capacity() {
            between.run();
            return inner.capacity();
        }

        @Override
        public void copy(MemorySegment source, long sourceOffset,
                MemorySegment target, long targetOffset, int length, int token) {
            inner.copy(source, sourceOffset, target, targetOffset, length, token);
        }

        @Override
        public void submit() {
            inner.submit();
        }

        @Override
        public int completed(int[] tokens, int offset, int count) {
            return inner.completed(tokens, offset, count);
        }

        @Override
        public void close() {
            inner.close();
        }
    }

    @Test
    void aPacketIsSpreadOverMergeableChainsAndChainsOverBuffers() throws ControlException {
        VirtQueue queue = started(0);
        long first = guest.toGuest().accept(1, 6, 6, 100);
        guest.toGuest().accept(2, 300, 40);
        guest.toGuest().accept(3, 200);
        fill(0, 1, 500);
        assertEquals(1, queue.submitEnqueueBurst(packets, 0, 1, channel));
        assertEquals(1, queue.pollEnqueueCompleted(done, 0, 1, channel));
        guest.toGuest().assertUsed(1, 112);
        guest.toGuest().assertUsed(2, 340);
        guest.toGuest().assertUsed(3, 60);
        assertEquals(3, guest.memory.get(java.lang.foreign.ValueLayout.JAVA_SHORT, first + 10),
                "num_buffers");
        assertEquals(1, queue.getInflight() + done[0].length() - 499);
        pool.release(done, 0, 1);
    }

    /**
     * Trap 2.3 and bug 5c3a69879e: descriptors of a packet with several chains
     * are all rolled back, and no others.
     */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 5})
    void aFullChannelTruncatesBetweenPacketsAndTheRestComesLater(int chains) throws ControlException {
        start(features(), 64, FaultyDmaEngine.seeded(chains).depth(7));
        VirtQueue queue = queue(0);
        queue.registerAsync();
        for (int i = 0; i < 8 * chains; i++) {
            guest.toGuest().accept(i, 100);
        }
        int length = 100 * chains - HEADER;
        fill(0, 8, length);
        int sent = 0;
        int back = 0;
        int used = 0;
        while (back < 8) {
            int accepted = queue.submitEnqueueBurst(packets, sent, 8 - sent, channel);
            assertTrue(accepted <= 7 / chains);
            sent += accepted;
            assertEquals(sent - back, queue.getInflight());
            int got = queue.pollEnqueueCompleted(done, back, 8, channel);
            for (int i = 0; i < got * chains; i++) {
                guest.toGuest().assertUsed(used++, 100);
            }
            back += got;
        }
        assertTrue(counted(0, Counter.TRUNCATED) > 0);
        assertEquals(8 * chains, used);
        assertNull(queue.violation());
        assertBalanced(0);
        pool.release(done, 0, 8);
    }

    /** Bugs fd03876e71 and baac7d2c41: any number of places, 0 included, at any time. */
    @Test
    void whateverRoomTheChannelHasNothingIsLostOrDoubled() throws ControlException {
        start(features(), 64, FaultyDmaEngine.seeded(5).depth(40).capacity(5));
        VirtQueue queue = queue(0);
        queue.registerAsync();
        int sent = 0;
        int back = 0;
        int offered = 0;
        fill(0, 200, 300);
        while (back < 200) {
            while (offered < 400 && guest.toGuest().ring.free() > 0 && offered - 2 * back < 60) {
                guest.toGuest().acceptAt(TestGuest.BUFFERS + 256L * (offered % 64), offered++, 156);
            }
            sent += queue.submitEnqueueBurst(packets, sent, Math.min(7, 200 - sent), channel);
            int got = queue.pollEnqueueCompleted(done, back, 3, channel);
            for (int i = back; i < back + got; i++) {
                assertSame(packets[i], done[i]);
            }
            back += got;
            for (int token = guest.toGuest().ring.poll(); token >= 0; token = guest.toGuest().ring.poll()) {
                assertEquals(156, guest.toGuest().ring.usedLength());
            }
        }
        assertEquals(200, counted(0, Counter.PACKETS));
        assertNull(guest.toGuest().ring.violation());
        assertBalanced(0);
        pool.release(done, 0, 200);
    }

    @Test
    void aFailedCopyIsReportedAndItsChainsComeBackEmpty() throws ControlException {
        start(features(), 64, FaultyDmaEngine.seeded(3).failureRate(1));
        VirtQueue queue = queue(0);
        queue.registerAsync();
        guest.toGuest().accept(1, 100);
        guest.toGuest().accept(2, 100);
        fill(0, 1, 150);
        assertEquals(1, queue.submitEnqueueBurst(packets, 0, 1, channel));
        while (queue.getInflight() > 0) {
            queue.clearQueue(done, 0, 1, channel);
        }
        assertTrue(done[0].isUndelivered());
        guest.toGuest().assertUsed(1, 0);
        guest.toGuest().assertUsed(2, 0);
        assertEquals(1, counted(0, Counter.COPY_FAILED));
        assertEquals(0, counted(0, Counter.PACKETS));
        assertTrue(queue.isRunning(), "one failed copy is no failed engine");
        assertBalanced(0);
        pool.release(done, 0, 1);
    }

    /** 3.7 (d) and matrix row 23: a chain that is with us is offered again. */
    @Test
    void aChainThatIsOfferedAgainWhileItIsInFlightFencesTheQueue() throws ControlException {
        VirtQueue queue = started(0);
        guest.toGuest().accept(1, 600);
        fill(0, 2, 500);
        engine.hold(true);
        assertEquals(1, queue.submitEnqueueBurst(packets, 0, 2, channel));
        RingTampering.offerFirstAgain(guest, guest.toGuest());
        assertEquals(0, queue.submitEnqueueBurst(packets, 1, 1, channel));
        assertEquals(RingViolation.HEAD_IN_FLIGHT, queue.violation());
        assertEquals(1, queue.counters().get(RingViolation.HEAD_IN_FLIGHT));
        assertFalse(queue.isRunning());
        engine.hold(false);
        assertEquals(1, queue.pollEnqueueCompleted(done, 0, 2, channel), "what was accepted comes back");
        assertBalanced(0);
        pool.release(packets, 0, 2);
    }

    @Test
    void moreChainsThanTheRingHasAreNeverInFlight() throws ControlException {
        start(features(), 4, FaultyDmaEngine.seeded(1));
        VirtQueue queue = queue(0);
        queue.registerAsync();
        for (int i = 0; i < 4; i++) {
            guest.toGuest().accept(i, 100);
        }
        fill(0, 8, 60);
        engine.hold(true);
        assertEquals(4, queue.submitEnqueueBurst(packets, 0, 8, channel));
        assertEquals(0, queue.submitEnqueueBurst(packets, 4, 4, channel));
        RingTampering.offerMoreThanTheRingHolds(guest, guest.toGuest());
        assertEquals(0, queue.submitEnqueueBurst(packets, 4, 4, channel));
        assertEquals(4, queue.getInflight());
        engine.hold(false);
        assertEquals(4, queue.clearQueue(done, 0, 8, channel));
        assertBalanced(0);
        pool.release(packets, 0, 8);
    }

    @Test
    void aPacketThatCannotBeSentIsRefusedBeforeAnyIsAccepted() throws ControlException {
        VirtQueue queue = started(0);
        for (int i = 0; i < 60; i++) {
            guest.toGuest().accept(i, 600);
        }
        fill(0, 50, 500);
        Packet odd = packets[40];
        packets[40] = null;
        assertThrows(NullPointerException.class, () -> queue.submitEnqueueBurst(packets, 0, 50, channel));
        packets[40] = odd;
        odd.reset(0);
        assertThrows(IllegalArgumentException.class, () -> queue.submitEnqueueBurst(packets, 0, 50, channel));
        assertEquals(0, queue.getInflight());
        assertThrows(IndexOutOfBoundsException.class,
                () -> queue.submitEnqueueBurst(packets, 200, 57, channel));
        assertThrows(IndexOutOfBoundsException.class,
                () -> queue.pollEnqueueCompleted(done, 200, 57, channel));
        assertThrows(IllegalStateException.class, () -> queue.tryDequeueBurst(pool, done, 0, 1, channel));
        assertBalanced(0);
        pool.release(packets, 0, 50);
    }

    /** Copies of others are under way: while they are, more chains may come. */
    @Test
    void aPacketThatAFullRingOfChainsCannotHoldIsGivenBack() throws ControlException {
        // A split ring has an entry for each chain, a packed one for each buffer.
        int[] lengths = format == RingFormat.PACKED ? new int[] {50, 50} : new int[] {100};
        int size = format == RingFormat.PACKED ? 6 : 4;
        int chains = size / lengths.length;
        start(features(), size, FaultyDmaEngine.seeded(1));
        VirtQueue queue = queue(0);
        queue.registerAsync();
        for (int i = 0; i < chains; i++) {
            guest.toGuest().accept(i, lengths);
        }
        fill(0, 1, 60);
        fill(1, 1, 100 * chains - HEADER + 1);
        engine.hold(true);
        assertEquals(1, queue.submitEnqueueBurst(packets, 0, 2, channel), "the first has a chain");
        assertEquals(0, queue.submitEnqueueBurst(packets, 1, 1, channel));
        engine.hold(false);
        assertEquals(1, queue.pollEnqueueCompleted(done, 0, 2, channel));
        guest.toGuest().assertUsed(0, 72);
        guest.toGuest().accept(0, lengths);
        assertEquals(1, queue.submitEnqueueBurst(packets, 1, 1, channel));
        assertEquals(1, queue.pollEnqueueCompleted(done, 1, 1, channel));
        assertTrue(done[1].isUndelivered());
        assertEquals(1, counted(0, Counter.NO_ROOM));
        assertEquals(-1, guest.toGuest().ring.poll(), "its chains are there for the next");
        assertNull(queue.violation());
        assertBalanced(0);
        pool.release(done, 0, 2);
    }

    /** Sizes around the limits of one descriptor and one burst. */
    @Test
    void aPacketOf64KilobytesTakesManyChains() throws ControlException {
        start(features(), 64, FaultyDmaEngine.seeded(1));
        VirtQueue queue = queue(0);
        queue.registerAsync();
        for (int i = 0; i < 64; i++) {
            guest.toGuest().accept(i, 1526);
        }
        try (var large = io.vhost.net.PacketPool.create(
                1, io.vhost.net.PacketPool.DEFAULT_HEADROOM + 65_000)) {
            packets[0] = large.take();
            packets[0].copyFrom(TestGuest.pattern(65_000, 9), 0, 65_000);
            assertEquals(1, queue.submitEnqueueBurst(packets, 0, 1, channel));
            assertEquals(1, queue.pollEnqueueCompleted(done, 0, 1, channel));
            int rest = 65_012;
            for (int i = 0; rest > 0; i++) {
                guest.toGuest().assertUsed(i, Math.min(rest, 1526));
                rest -= 1526;
            }
            done[0].release();
        }
    }

    /**
     * M queues on one channel, and one queue on several:
     * whoever polls, completions find their queue, in order.
     */
    @Test
    void oneQueueOnTwoChannelsCompletesInTheOrderOfSubmission() throws ControlException {
        VirtQueue queue = started(0);
        FaultyDmaEngine other = FaultyDmaEngine.seeded(2).build();
        DmaChannel second = registry.configure("second", other);
        for (int i = 0; i < 4; i++) {
            guest.toGuest().accept(i, 600);
        }
        fill(0, 4, 500);
        engine.hold(true);
        assertEquals(1, queue.submitEnqueueBurst(packets, 0, 1, channel));
        assertEquals(1, queue.submitEnqueueBurst(packets, 1, 1, second));
        assertEquals(1, queue.submitEnqueueBurst(packets, 2, 1, channel));
        assertEquals(1, queue.submitEnqueueBurst(packets, 3, 1, second));
        assertEquals(0, queue.pollEnqueueCompleted(done, 0, 4, second), "the first is not done");
        assertEquals(-1, guest.toGuest().ring.poll());
        assertEquals(0, second.inFlight());
        assertEquals(2, second.packetsInFlight());
        assertThrows(IllegalStateException.class, () -> registry.unconfigure(second));
        engine.hold(false);
        assertEquals(4, queue.pollEnqueueCompleted(done, 0, 4, channel));
        for (int i = 0; i < 4; i++) {
            assertSame(packets[i], done[i]);
            guest.toGuest().assertUsed(i, 512);
        }
        registry.unconfigure(second);
        assertThrows(IllegalArgumentException.class, () -> queue.clearQueue(done, 0, 1, second));
        assertEquals(0, queue.submitEnqueueBurst(packets, 0, 1, channel));
        pool.release(done, 0, 4);
    }

    @Test
    void synchronousBurstsWaitForCopies() throws ControlException {
        VirtQueue queue = started(0);
        guest.toGuest().accept(1, 600);
        guest.toGuest().accept(2, 600);
        fill(0, 2, 500);
        assertEquals(1, queue.submitEnqueueBurst(packets, 0, 1, channel));
        IllegalStateException refusal =
                assertThrows(IllegalStateException.class, () -> queue.enqueueBurst(packets, 1, 1));
        assertTrue(refusal.getMessage().contains("1 packets are in flight"), refusal.getMessage());
        assertEquals(0, guest.holds());
        assertEquals(1, queue.pollEnqueueCompleted(done, 0, 2, channel));
        assertEquals(1, queue.enqueueBurst(packets, 1, 1));
        guest.toGuest().assertUsed(1, 512);
        guest.toGuest().assertUsed(2, 512);
        pool.release(packets, 0, 2);
    }

    /** Exceptions half-way: what the channel has is the library's, and is counted as accepted. */
    @Test
    void memoryThatVanishesInTheMiddleOfABurstLosesNoPacket() throws ControlException {
        VirtQueue queue = started(0);
        guest.toGuest().accept(1, 600);
        guest.toGuest().acceptAt(TestGuest.SIZE - 8192, 2, 600);
        fill(0, 2, 500);
        engine.hold(true);
        guest.truncate(TestGuest.SIZE - 8192);
        int accepted = queue.submitEnqueueBurst(packets, 0, 2, channel);
        assertEquals(RingViolation.MEMORY_LOST, queue.violation());
        assertEquals(accepted, queue.getInflight());
        engine.hold(false);
        int back = 0;
        while (queue.getInflight() > 0) {
            back += queue.clearQueue(done, back, 2, channel);
        }
        assertEquals(accepted, back);
        for (int i = 0; i < back; i++) {
            assertSame(packets[i], done[i]);
            assertTrue(done[i].isUndelivered());
        }
        assertBalanced(0);
        pool.release(packets, 0, 2);
    }
}
