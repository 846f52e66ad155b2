package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.dma.DmaChannel;
import io.vhost.dma.channel.ChannelAccess;
import io.vhost.dma.engine.WorkerDmaEngine;
import io.vhost.net.Packet;
import io.vhost.queue.ControlException;
import io.vhost.state.QueueCounters.Counter;
import io.vhost.state.RingViolation;
import io.vhost.testing.FaultyDmaEngine;
import io.vhost.testing.FaultyDmaEngine.Breach;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A ring that is stopped, moved or lost while copies are under way, and engines that fail. */
class AsyncTeardownTest extends AsyncFixture {
    private static final int COUNT = 8;

    private final long[] at = new long[COUNT];

    /** What a front-end does to a ring. */
    enum Ending {
        DISABLE,
        NEW_MEMORY,
        GET_VRING_BASE,
        NEW_ADDRESSES,
        RESET_OWNER,
        DISCONNECT;

        void happen(TestGuest guest) throws ControlException {
            switch (this) {
                case DISABLE -> guest.control.enable(0, false);
                case NEW_MEMORY -> guest.shareMemory();
                case GET_VRING_BASE -> assertEquals(
                        guest.toGuest().baseAfter(COUNT), guest.control.stopRing(0), "no chain stays behind");
                case NEW_ADDRESSES -> guest.toGuest().addresses();
                case RESET_OWNER -> guest.control.resetOwner();
                case DISCONNECT -> guest.control.disconnected();
            }
        }
    }

    private VirtQueue withPacketsUnderWay() throws ControlException {
        VirtQueue queue = started(0);
        submit();
        return queue;
    }

    private void submit() {
        for (int i = 0; i < COUNT; i++) {
            at[i] = guest.toGuest().accept(i, 600);
        }
        fill(0, COUNT, 500);
        engine.hold(true);
        assertEquals(COUNT, queue(0).submitEnqueueBurst(packets, 0, COUNT, channel));
    }

    private void assertAllUsed(int length) {
        for (int i = 0; i < COUNT; i++) {
            guest.toGuest().assertUsed(i, length);
        }
        assertEquals(-1, guest.toGuest().ring.poll());
    }

    /**
     * The listener is told under the lock, before anything is taken away,
     * and can drain there with the unsafe pair.
     */
    @ParameterizedTest
    @EnumSource(Ending.class)
    void theListenerCanDrainAndUnregisterUnderTheLock(Ending ending) throws ControlException {
        VirtQueue queue = withPacketsUnderWay();
        int[] drained = new int[1];
        guest.listener.action = call -> {
            if (call.startsWith("vring 0 off")) {
                engine.hold(false);
                drain(queue, drained);
            }
        };
        ending.happen(guest);
        assertEquals(COUNT, drained[0]);
        for (int i = 0; i < COUNT; i++) {
            assertSame(packets[i], done[i]);
            assertFalse(done[i].isUndelivered());
        }
        assertAllUsed(512);
        assertEquals(0, channel.packetsInFlight());
        assertEquals(0, queue.counters().get(Counter.LOCK_MISUSE));
        pool.release(done, 0, COUNT);
    }

    // The lock is held by the caller of the listener, which no checker can see.
    @SuppressWarnings("GuardedBy")
    private void drain(VirtQueue queue, int[] drained) {
        while (queue.getInflightThreadUnsafe() > 0) {
            drained[0] += queue.clearQueueThreadUnsafe(done, drained[0], 3, channel);
        }
        queue.unregisterAsyncThreadUnsafe();
    }

    /**
     * What the listener leaves is waited for: it arrives in the guest,
     * and comes back to the application later.
     */
    @ParameterizedTest
    @EnumSource(Ending.class)
    void whatTheListenerLeavesIsWaitedForAndComesBackLater(Ending ending) throws ControlException {
        VirtQueue queue = withPacketsUnderWay();
        guest.listener.action = call -> {
            if (call.startsWith("vring 0 off")) {
                engine.hold(false);
            }
        };
        ending.happen(guest);
        assertEquals(0, engine.underWay(), "nothing touches memory that may go");
        assertAllUsed(512);
        assertEquals(COUNT, queue.getInflight());
        assertEquals(COUNT, queue.clearQueue(done, 0, 100, channel));
        for (int i = 0; i < COUNT; i++) {
            assertSame(packets[i], done[i]);
            assertFalse(done[i].isUndelivered());
            assertArrived(at[i], i, 500);
        }
        assertBalanced(0);
        queue.unregisterAsync();
        pool.release(done, 0, COUNT);
    }

    /**
     * An engine that never completes: after the configured time its channel is abandoned,
     * and nothing writes any more.
     */
    @ParameterizedTest
    @EnumSource(Ending.class)
    void anEngineThatNeverCompletesIsAbandoned(Ending ending) throws ControlException {
        VirtQueue queue = withPacketsUnderWay();
        DmaChannel healthy = registry.configure("healthy", FaultyDmaEngine.seeded(3).build());
        guest.toGuest().accept(COUNT, 600);
        fill(COUNT, 1, 500);
        assertEquals(1, queue.submitEnqueueBurst(packets, COUNT, 1, healthy));
        if (ending != Ending.GET_VRING_BASE) {
            ending.happen(guest);
        } else {
            assertEquals(guest.toGuest().baseAfter(COUNT + 1), guest.control.stopRing(0));
        }
        assertTrue(engine.isClosed());
        assertNotNull(channel.failure());
        assertNull(healthy.failure(), "a channel that did its work is not blamed");
        for (int i = 0; i < COUNT; i++) {
            guest.toGuest().assertUsed(i, 0);
        }
        guest.toGuest().assertUsed(COUNT, 512);
        assertEquals(COUNT + 1, queue.clearQueue(done, 0, 100, channel));
        for (int i = 0; i <= COUNT; i++) {
            assertEquals(i < COUNT, done[i].isUndelivered());
        }
        assertEquals(1, queue.counters().get(RingViolation.DMA_FAILED));
        assertBalanced(0);
        pool.release(done, 0, COUNT + 1);
    }

    @Test
    void aQueueThatIsEnabledAgainGoesOnUndisturbed() throws ControlException {
        VirtQueue queue = withPacketsUnderWay();
        guest.listener.take();
        guest.control.enable(0, true);
        assertEquals(java.util.List.of(), guest.listener.take());
        assertEquals(COUNT, engine.underWay());
        engine.hold(false);
        assertEquals(COUNT, queue.clearQueue(done, 0, 100, channel));
        pool.release(done, 0, COUNT);
    }

    /** Slow is not broken: as long as the configured time lasts, nobody is abandoned. */
    @Test
    void anEngineThatNeedsAWhileIsWaitedFor() throws Exception {
        start(features(), TestGuest.RING, FaultyDmaEngine.seeded(1));
        try (TestGuest patient = new TestGuest(features(), TestGuest.RING, VhostConfig.builder()
                .asyncCopy(registry).copyTimeout(Duration.ofMinutes(1)).build())) {
            patient.start();
            VirtQueue queue = patient.device.queue(0);
            queue.registerAsync();
            patient.toGuest().accept(1, 600);
            fill(0, 1, 500);
            engine.hold(true);
            assertEquals(1, queue.submitEnqueueBurst(packets, 0, 1, channel));
            Thread control = Thread.ofPlatform().start(() -> {
                try {
                    patient.control.enable(0, false);
                } catch (ControlException e) {
                    throw new AssertionError(e);
                }
            });
            long asked = engine.questions();
            while (engine.questions() < asked + 3) {
                Thread.onSpinWait();
            }
            engine.hold(false);
            control.join();
            assertNull(channel.failure());
            assertEquals(1, queue.clearQueue(done, 0, 1, channel));
            assertFalse(done[0].isUndelivered());
            patient.toGuest().assertUsed(1, 512);
            done[0].release();
        }
    }

    /**
     * Engines that break their contract: a failure of the channel, packets back as failed, the queue fenced.
     */
    @ParameterizedTest
    @EnumSource(Breach.class)
    void anEngineThatBreaksItsContractFailsItsChannelAndFencesItsQueue(Breach breach)
            throws ControlException {
        VirtQueue queue = started(0);
        for (int i = 0; i < COUNT; i++) {
            at[i] = guest.toGuest().accept(i, 600);
        }
        fill(0, COUNT, 500);
        engine.breakContract(breach);
        int accepted = queue.submitEnqueueBurst(packets, 0, 4, channel);
        engine.breakContract(channel.failure() == null ? breach : null);
        int back = 0;
        for (int i = 0; i < 20 && queue.getInflight() > 0; i++) {
            back += queue.pollEnqueueCompleted(done, back, 1, channel);
        }
        if (accepted > 0 && channel.failure() == null) {
            accepted += queue.submitEnqueueBurst(packets, accepted, 1, channel);
        }
        while (queue.getInflight() > 0) {
            back += queue.clearQueue(done, back, 1, channel);
        }
        assertEquals(accepted, back);
        assertNotNull(channel.failure(), breach::toString);
        assertTrue(engine.isClosed());
        for (int i = 0; i < back; i++) {
            assertSame(packets[i], done[i]);
        }
        boolean underWay = breach != Breach.THROW_ON_CAPACITY && breach != Breach.COMPLETE_TWICE;
        assertEquals(underWay ? RingViolation.DMA_FAILED : null, queue.violation());
        assertEquals(!underWay, queue.isRunning());
        assertTrue(queue(1).isRunning(), "other queues are not concerned");
        assertEquals(0, queue.submitEnqueueBurst(packets, 7, 1, channel));
        assertBalanced(0);
        pool.release(packets, 0, COUNT);
    }

    @Test
    void aQueueWhoseEngineFailedStartsAgainWithAnotherChannel() throws ControlException {
        VirtQueue queue = withPacketsUnderWay();
        ChannelAccess.channel(channel).abandon(new IllegalStateException("pulled out"));
        assertEquals(COUNT, queue.clearQueue(done, 0, 100, channel));
        assertEquals(RingViolation.DMA_FAILED, queue.violation());
        for (int i = 0; i < COUNT; i++) {
            assertTrue(done[i].isUndelivered());
        }
        assertAllUsed(0);
        assertEquals(guest.toGuest().baseAfter(COUNT), guest.control.stopRing(0));
        guest.control.kick(0, null);
        DmaChannel other = registry.configure("other", FaultyDmaEngine.seeded(9).build());
        guest.toGuest().accept(20, 600);
        assertEquals(1, queue.submitEnqueueBurst(packets, 0, 1, other));
        assertEquals(1, queue.pollEnqueueCompleted(done, 0, 1, other));
        guest.toGuest().assertUsed(20, 512);
        assertFalse(done[0].isUndelivered());
        pool.release(packets, 0, COUNT);
    }

    /** Trap of 2.6: DPDK fails SET_VRING_ENABLE(1) when packets are in flight, and the connection dies. */
    @Test
    void aQueueIsDisabledAndEnabledWithPacketsThatWaitToBeGivenBack() throws ControlException {
        VirtQueue queue = withPacketsUnderWay();
        engine.hold(false);
        guest.control.enable(0, false);
        guest.control.enable(0, true);
        assertTrue(queue.isRunning());
        guest.toGuest().accept(30, 600);
        fill(COUNT, 1, 500);
        assertEquals(1, queue.submitEnqueueBurst(packets, COUNT, 1, channel));
        assertEquals(COUNT + 1, queue.pollEnqueueCompleted(done, 0, 100, channel));
        for (int i = 0; i < COUNT; i++) {
            guest.toGuest().assertUsed(i, 512);
        }
        guest.toGuest().assertUsed(30, 512);
        pool.release(done, 0, COUNT + 1);
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 4, 256})
    void theRingMayHaveAnotherSizeWhenItComesBack(int size) throws ControlException {
        VirtQueue queue = withPacketsUnderWay();
        engine.hold(false);
        guest.control.stopRing(0);
        guest.control.ringSize(0, size);
        TestQueue other = new TestQueue(guest, 0, size);
        guest.memory.asSlice(other.addresses.desc(), 0x8000).fill((byte) 0);
        other.newRing();
        // A new ring: the device goes on at its start.
        guest.control.ringBase(0, other.format.start());
        other.addresses();
        guest.control.kick(0, null);
        fill(COUNT, 3, 500);
        for (int i = 0; i < size && i < 3; i++) {
            other.accept(50 + i, 600);
        }
        int accepted = queue.submitEnqueueBurst(packets, COUNT, 3, channel);
        assertEquals(Math.clamp(size - COUNT, 0, 3), accepted,
                "in flight is never more than the ring's size");
        assertEquals(COUNT, queue.clearQueue(done, 0, COUNT, channel));
        for (int i = 0; i < COUNT; i++) {
            assertSame(packets[i], done[i]);
        }
        accepted += queue.submitEnqueueBurst(packets, COUNT + accepted, 3 - accepted, channel);
        assertEquals(Math.min(size, 3), accepted);
        assertEquals(accepted, queue.clearQueue(done, COUNT, 100, channel));
        for (int i = 0; i < accepted; i++) {
            other.assertUsed(50 + i, 512);
            assertSame(packets[COUNT + i], done[COUNT + i]);
        }
        assertBalanced(0);
        other.close();
        pool.release(packets, 0, COUNT + 3);
    }

    /** What has failed stays so when the ring changes its size. */
    @Test
    void packetsThatWereGivenUpAreUndeliveredWhenTheRingHasAnotherSize() throws ControlException {
        VirtQueue queue = withPacketsUnderWay();
        guest.control.stopRing(0);
        guest.control.ringSize(0, 128);
        TestQueue other = new TestQueue(guest, 0, 128);
        guest.memory.asSlice(other.addresses.desc(), 0x8000).fill((byte) 0);
        other.newRing();
        guest.control.ringBase(0, other.format.start());
        other.addresses();
        guest.control.kick(0, null);
        DmaChannel next = registry.configure("next", FaultyDmaEngine.seeded(1).build());
        assertEquals(COUNT, queue.clearQueue(done, 0, COUNT, next));
        for (int i = 0; i < COUNT; i++) {
            assertTrue(done[i].isUndelivered());
        }
        assertEquals(COUNT, counted(0, Counter.COPY_FAILED));
        other.close();
        pool.release(done, 0, COUNT);
    }

    /**
     * Memory goes while a worker copies into it:
     * the copies fail, nobody's thread dies, the worker serves others.
     */
    @Test
    void memoryThatVanishesUnderTheWorkerFailsItsCopiesOnly() throws Exception {
        started(0);
        DmaChannel worker = registry.configure("worker", new WorkerDmaEngine("test worker"));
        fill(0, 64, 2000);
        for (int round = 0; round < 20; round++) {
            try (TestGuest victim = TestGuest.asynchronous(features(), 64, registry)) {
                VirtQueue queue = victim.device.queue(0);
                queue.registerAsync();
                for (int i = 0; i < 64; i++) {
                    victim.toGuest().acceptAt(TestGuest.BORDER + 2112L * i, i, 2100);
                }
                int accepted = queue.submitEnqueueBurst(packets, 0, 64, worker);
                victim.truncate(TestGuest.BORDER);
                int back = 0;
                while (queue.getInflight() > 0) {
                    back += queue.clearQueue(done, back, 64, worker);
                }
                assertEquals(accepted, back);
                queue.unregisterAsync();
            }
        }
        assertNull(worker.failure());
        guest.toGuest().accept(1, 2100);
        assertEquals(1, queue(0).submitEnqueueBurst(packets, 0, 1, worker));
        while (queue(0).getInflight() > 0) {
            queue(0).clearQueue(done, 0, 1, worker);
        }
        guest.toGuest().assertUsed(1, 2012);
        assertFalse(done[0].isUndelivered());
        pool.release(packets, 0, 64);
    }

    /** From the guest: packets whose data had arrived are handed out even after the guest has gone. */
    @Test
    void packetsFromAGuestThatHasGoneAreStillHandedOut() throws ControlException {
        VirtQueue queue = started(1);
        for (int i = 0; i < 3; i++) {
            guest.fromGuest().send(TestGuest.join(new byte[HEADER], TestGuest.pattern(100, i)), 112);
        }
        engine.hold(true);
        assertEquals(0, queue.tryDequeueBurst(pool, done, 0, 8, channel));
        engine.hold(false);
        guest.control.disconnected();
        assertEquals(0, engine.underWay());
        assertEquals(3, queue.tryDequeueBurst(pool, done, 0, 8, channel));
        for (int i = 0; i < 3; i++) {
            byte[] bytes = new byte[100];
            done[i].copyTo(bytes, 0);
            assertEquals(java.util.Arrays.toString(TestGuest.pattern(100, i)),
                    java.util.Arrays.toString(bytes));
        }
        for (Packet packet : java.util.List.of(done[0], done[1], done[2])) {
            packet.release();
        }
    }
}
