package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.dma.DmaChannel;
import io.vhost.dma.DmaRegistry;
import io.vhost.dma.engine.InlineDmaEngine;
import io.vhost.queue.ControlException;
import io.vhost.state.AccessLock;
import io.vhost.state.QueueCounters.Counter;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/**
 * Register, unregister, in flight and clear:
 * what each requires, in which order it is asked, and what the refusal says.
 */
class AsyncContractTest extends AsyncFixture {
    private static String refusal(org.junit.jupiter.api.function.Executable call) {
        return assertThrows(IllegalStateException.class, call).getMessage();
    }

    @Test
    void registerAsksForTheFeatureThenTheRingThenThatItIsTheFirst() throws ControlException {
        try (TestGuest without = running()) {
            VirtQueue queue = without.device.queue(0);
            without.control.stopRing(0);
            assertEquals("test-guest queue 0 cannot be registered: asynchronous copies are not enabled; give"
                    + " VhostConfig a DmaRegistry", refusal(queue::registerAsync));
        }
        VirtQueue queue = started(0);
        assertEquals("test-guest queue 0 cannot be registered: it is registered already",
                refusal(queue::registerAsync));
        guest.control.stopRing(0);
        assertEquals("test-guest queue 0 cannot be registered: its ring is not started; wait for"
                        + " vringStateChanged",
                refusal(queue::registerAsync), "the ring is asked for first");
        queue.unregisterAsync();
        assertTrue(refusal(queue::registerAsync).contains("not started"));
        assertEquals(0, guest.holds());
    }

    /** As in DPDK: a queue that was never registered is as unregistered as one can be. */
    @Test
    void unregisterOfAQueueThatIsNotRegisteredHasNoEffect() throws ControlException {
        VirtQueue queue = started(0);
        queue.unregisterAsync();
        queue.unregisterAsync();
        queue(1).unregisterAsync();
        queue.registerAsync();
        assertEquals(0, queue.getInflight());
    }

    @Test
    void unregisterNamesThePacketsInFlightAndTheRemedy() throws ControlException {
        VirtQueue queue = started(0);
        for (int i = 0; i < 3; i++) {
            guest.toGuest().accept(i, 600);
        }
        fill(0, 3, 100);
        engine.hold(true);
        queue.submitEnqueueBurst(packets, 0, 3, channel);
        assertEquals("test-guest queue 0 cannot be unregistered: 3 packets are in flight; poll or clear them"
                        + " first",
                refusal(queue::unregisterAsync));
        assertEquals(3, queue.getInflight());
        engine.hold(false);
        assertEquals(1, queue.clearQueue(done, 0, 1, channel));
        assertTrue(refusal(queue::unregisterAsync).contains("2 packets are in flight"),
                "done, but not given back");
        assertEquals(2, queue.clearQueue(done, 1, 9, channel));
        queue.unregisterAsync();
        pool.release(done, 0, 3);
    }

    /**
     * Traps of 2.6: -1 from getInflight in DPDK's example makes its drain loop endless, and -1 from
     * clear_queue meant 65535 packets. Here neither is a number.
     */
    @Test
    void whatIsNotRegisteredHasNoNumberInFlightAndClearsNothing() throws ControlException {
        VirtQueue queue = started(0);
        queue.unregisterAsync();
        assertEquals("test-guest queue 0 cannot be asked: asynchronous copies are not registered",
                refusal(queue::getInflight));
        assertEquals("test-guest queue 0 cannot be cleared: asynchronous copies are not registered",
                refusal(() -> queue.clearQueue(done, 0, 4, channel)));
        assertEquals(0, guest.holds());
    }

    /** A callback in another thread may end the registration between any two bursts. */
    @Test
    void burstsMoveNothingWhileTheQueueIsNotRegistered() throws ControlException {
        VirtQueue queue = started(0);
        queue.unregisterAsync();
        guest.toGuest().accept(1, 600);
        guest.fromGuest().send(new byte[HEADER + 100], HEADER + 100);
        fill(0, 1, 100);
        assertEquals(0, queue.submitEnqueueBurst(packets, 0, 1, channel));
        assertEquals(0, queue.pollEnqueueCompleted(done, 0, 4, channel));
        assertEquals(0, queue(1).tryDequeueBurst(pool, done, 0, 4, channel));
        assertEquals(0, guest.holds());
        queue.registerAsync();
        queue(1).registerAsync();
        assertEquals(1, queue.submitEnqueueBurst(packets, 0, 1, channel), "it stayed the caller's");
        assertEquals(1, queue.pollEnqueueCompleted(done, 0, 4, channel));
        assertEquals(1, queue(1).tryDequeueBurst(pool, done, 1, 4, channel), "it stayed in the ring");
        pool.release(done, 0, 2);
    }

    /** 3.7 (e): DPDK does not look at the channel's number. */
    @Test
    void aChannelThatIsNotConfiguredHereIsRefused() throws ControlException {
        VirtQueue queue = started(0);
        try (DmaRegistry elsewhere = new DmaRegistry()) {
            DmaChannel foreign = elsewhere.configure("foreign", new InlineDmaEngine());
            DmaChannel closed = registry.configure("closed", new InlineDmaEngine());
            registry.unconfigure(closed);
            for (DmaChannel bad : new DmaChannel[] {foreign, closed}) {
                String text = assertThrows(IllegalArgumentException.class,
                        () -> queue.clearQueue(done, 0, 4, bad)).getMessage();
                assertTrue(text.contains(bad.name()), text);
                assertThrows(IllegalArgumentException.class,
                        () -> queue.pollEnqueueCompleted(done, 0, 4, bad));
                assertThrows(IllegalArgumentException.class,
                        () -> queue.submitEnqueueBurst(packets, 0, 0, bad));
                queue.unregisterAsync();
                assertThrows(IllegalStateException.class, () -> queue.clearQueue(done, 0, 4, bad),
                        "registration first");
                queue.registerAsync();
            }
            assertThrows(NullPointerException.class, () -> queue.clearQueue(done, 0, 4, null));
            assertEquals(0, guest.holds());
        }
    }

    @Test
    void safeCallsAreReentrantAndCounted() throws ControlException {
        VirtQueue queue = started(0);
        queue.access_lock.lock();
        try {
            assertEquals(0, queue.getInflight());
            queue.unregisterAsync();
            queue.registerAsync();
            assertEquals(0, queue.clearQueue(done, 0, 1, channel));
            assertEquals(4, queue.counters().get(Counter.REENTRANT_CALLS));
            assertEquals(1, queue.access_lock.getHoldCount());
        } finally {
            queue.access_lock.unlock();
        }
        assertEquals(4, queue.counters().get(Counter.REENTRANT_CALLS));
    }

    /** 2.9, 2d47fd3dfb: DPDK looked at the queue's async state before it had the lock. */
    @Test
    void aSafeCallDecidesWhenItHasTheLock() throws Exception {
        VirtQueue queue = started(0);
        FutureTask<Integer> asked = new FutureTask<>(queue::getInflight);
        queue.access_lock.lock();
        try {
            Thread.ofPlatform().start(asked);
            while (queue.access_lock.waiters() == 0) {
                Thread.onSpinWait();
            }
            queue.unregisterAsync();
        } finally {
            queue.access_lock.unlock();
        }
        assertThrows(java.util.concurrent.ExecutionException.class, () -> asked.get(10, TimeUnit.SECONDS));
    }

    /** 2.9, 0b2a2ca350: the lock outlives everything that a change of the device replaces. */
    @Test
    void aThreadThatWaitsForTheLockDuringAChangeOfMemoryFindsTheNewRing() throws Exception {
        VirtQueue queue = started(0);
        AccessLock lock = queue.access_lock;
        guest.toGuest().accept(4, 600);
        fill(0, 1, 100);
        CountDownLatch begun = new CountDownLatch(1);
        FutureTask<Integer> waiting = new FutureTask<>(() -> {
            begun.countDown();
            return queue.clearQueue(done, 0, 1, channel);
        });
        lock.lock();
        try {
            assertEquals(1, queue.submitEnqueueBurst(packets, 0, 1, channel));
            Thread.ofPlatform().start(waiting);
            begun.await();
            while (lock.waiters() == 0) {
                Thread.onSpinWait();
            }
            guest.shareMemory();
        } finally {
            lock.unlock();
        }
        assertEquals(1, waiting.get(10, TimeUnit.SECONDS));
        assertSame(lock, queue.access_lock);
        guest.toGuest().assertUsed(4, 112);
        assertFalse(done[0].isUndelivered());
        done[0].release();
    }

    /** 2.9, 22aa9a9c70: a submission while the ring was not accessible left DPDK's lock in the wrong mode. */
    @Test
    void aSubmissionWhileTheRingIsGoneMovesNothingAndTheNextOneWorks() throws ControlException {
        VirtQueue queue = started(0);
        guest.toGuest().accept(1, 600);
        fill(0, 1, 100);
        guest.control.stopRing(0);
        assertEquals(0, queue.submitEnqueueBurst(packets, 0, 1, channel));
        assertFalse(queue.access_lock.isLocked());
        guest.control.kick(0, null);
        assertEquals(1, queue.submitEnqueueBurst(packets, 0, 1, channel));
        assertEquals(1, queue.pollEnqueueCompleted(done, 0, 1, channel));
        assertFalse(queue.access_lock.isLocked());
        done[0].release();
    }

    @Test
    void pollsOfABusyQueueReturnNothingAndCountIt() throws Exception {
        VirtQueue queue = started(0);
        FutureTask<Integer> poll = new FutureTask<>(() -> queue.pollEnqueueCompleted(done, 0, 1, channel));
        FutureTask<Integer> wrong =
                new FutureTask<>(() -> queue(1).tryDequeueBurst(pool, done, 0, 1, channel));
        queue.access_lock.lock();
        queue(1).access_lock.lock();
        try {
            Thread.ofPlatform().start(poll);
            Thread.ofPlatform().start(wrong);
            assertEquals(0, poll.get(10, TimeUnit.SECONDS));
            assertEquals(0, wrong.get(10, TimeUnit.SECONDS));
        } finally {
            queue(1).access_lock.unlock();
            queue.access_lock.unlock();
        }
        assertEquals(1, queue.counters().get(Counter.BUSY));
        assertEquals(1, queue(1).counters().get(Counter.BUSY));
    }

    @Test
    void aCopyThatTakesTooLongIsCountedOnce() throws Exception {
        VirtQueue queue = started(0);
        guest.toGuest().accept(1, 600);
        fill(0, 1, 100);
        engine.hold(true);
        queue.submitEnqueueBurst(packets, 0, 1, channel);
        while (counted(0, Counter.COPY_STALLS) == 0) {
            queue.pollEnqueueCompleted(done, 0, 1, channel);
        }
        queue.pollEnqueueCompleted(done, 0, 1, channel);
        assertEquals(1, counted(0, Counter.COPY_STALLS));
        engine.hold(false);
        assertEquals(1, queue.pollEnqueueCompleted(done, 0, 1, channel));
        done[0].release();
    }
}
