package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.queue.ControlException;
import io.vhost.state.QueueCounters.Counter;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Who holds which lock when: in callbacks, after calls, and while another thread has it. */
class LockTest extends EachFormat {
    private final PacketPool pool = PacketPool.create(64, 512);
    private final Packet[] packets = new Packet[64];

    @AfterEach
    void everyPacketIsAccountedFor() {
        pool.close();
    }

    @Test
    void eachCallbackHasTheLockOfItsContract() throws ControlException {
        TestGuest guest = running();
        RecordingListener listener = guest.listener;
        assertEquals(List.of("newConnection", "featuresChanged 0x" + Long.toHexString(guest.features),
                "vring 0 on lock 0", "vring 1 on lock 1", "newDevice"), listener.take());
        guest.control.enable(1, false);
        assertEquals(List.of("vring 1 off lock 1"), listener.take());
        guest.control.enable(1, true);
        guest.control.messageHandled();
        assertEquals(List.of("vring 1 on lock 1"), listener.take());
        guest.control.kick(1, null);
        assertEquals(List.of("vring 1 off lock 1", "vring 1 on lock 1"), listener.take());
        guest.shareMemory();
        assertEquals(
                List.of("vring 0 off lock 0", "vring 1 off lock 1", "vring 0 on lock 0", "vring 1 on lock 1"),
                listener.take());
        guest.control.stopRing(0);
        assertEquals(List.of("destroyDevice", "vring 0 off lock 0"), listener.take());
        guest.control.kick(0, null);
        guest.control.messageHandled();
        guest.control.messageHandled();
        assertEquals(List.of("vring 0 on lock 0", "newDevice"), listener.take());
        guest.control.resetOwner();
        assertEquals(List.of("destroyDevice", "vring 0 off lock 0", "vring 1 off lock 1"), listener.take());
        guest.control.enable(0, true);
        guest.control.enable(1, true);
        guest.control.messageHandled();
        listener.take();
        guest.control.disconnected();
        guest.control.disconnected();
        assertEquals(
                List.of("destroyDevice", "vring 0 off lock 0", "vring 1 off lock 1", "destroyConnection"),
                listener.take());
        guest.close();
        assertEquals(List.of(), listener.take());
    }

    @Test
    void aQueueOfTheSecondPairComesAndGoesWithoutTheDevice() throws ControlException {
        try (TestGuest guest = new TestGuest(features(), TestGuest.RING, 2)) {
            guest.start();
            assertTrue(guest.listener.take().contains("newDevice"));
            guest.control.stopRing(3);
            guest.control.stopRing(2);
            guest.control.messageHandled();
            assertEquals(List.of("vring 3 off lock 3", "vring 2 off lock 2"), guest.listener.take());
        }
    }

    @Test
    void callsInACallbackAreReentrantAndMoveNothing() throws ControlException {
        try (TestGuest guest = running()) {
            VirtQueue queue = guest.fromGuest().queue;
            guest.fromGuest().send(new byte[72], 72);
            AtomicInteger calls = new AtomicInteger();
            guest.listener.action = call -> {
                if (call.startsWith("vring 1")) {
                    int before = queue.access_lock.getHoldCount();
                    assertEquals(0, queue.dequeueBurst(pool, packets, 0, 1));
                    assertNull(queue.violation());
                    assertEquals(before, queue.access_lock.getHoldCount());
                    calls.incrementAndGet();
                }
            };
            guest.control.enable(1, false);
            guest.control.enable(1, true);
            assertEquals(2, calls.get());
            assertEquals(1, queue.dequeueBurst(pool, packets, 0, 1));
            packets[0].release();
        }
    }

    @Test
    void aListenerThatThrowsChangesNothing() throws ControlException {
        for (RuntimeException exception : new RuntimeException[] {new IllegalStateException("test"), null}) {
            try (TestGuest guest = new TestGuest(features(), TestGuest.RING, 1)) {
                guest.listener.action = call -> {
                    if (exception != null) {
                        throw exception;
                    }
                    throw new AssertionError("test");
                };
                guest.start();
                assertEquals(0, guest.holds());
                assertTrue(guest.toGuest().queue.isRunning() && guest.fromGuest().queue.isRunning());
                guest.shareMemory();
                guest.control.stopRing(0);
                assertEquals(0, guest.holds());
                assertEquals(6 + 4 + 2 - 1, guest.listener.take().size());
            }
        }
    }

    @Test
    void holdCountsAfterEveryCallAreWhatTheyWere() throws ControlException {
        try (TestGuest guest = running()) {
            VirtQueue to = guest.toGuest().queue;
            VirtQueue from = guest.fromGuest().queue;
            for (int held = 0; held < 3; held++) {
                guest.fromGuest().send(new byte[72], 72);
                assertEquals(1, from.dequeueBurst(pool, packets, 0, 1));
                guest.toGuest().accept(0, 100);
                assertEquals(1, to.enqueueBurst(packets, 0, 1));
                packets[0].release();
                assertThrows(IllegalArgumentException.class, () -> to.enqueueBurst(packets, 0, 1));
                assertThrows(NullPointerException.class, () -> to.enqueueBurst(packets, 1, 1));
                assertThrows(IllegalStateException.class, () -> from.enqueueBurst(packets, 0, 1));
                assertThrows(IllegalStateException.class, () -> to.dequeueBurst(pool, packets, 0, 1));
                from.violation();
                assertEquals(2 * held, guest.holds());
                to.access_lock.lock();
                from.access_lock.lock();
            }
            while (guest.holds() > 0) {
                to.access_lock.unlock();
                from.access_lock.unlock();
            }
        }
    }

    /** Runs {@code action} while a thread of its own holds the queue's lock. */
    private static void whileHeld(VirtQueue queue, Runnable action) throws InterruptedException {
        CountDownLatch held = new CountDownLatch(1);
        CountDownLatch done = new CountDownLatch(1);
        Thread holder = Thread.ofPlatform().start(() -> {
            queue.access_lock.lock();
            try {
                held.countDown();
                done.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            } finally {
                queue.access_lock.unlock();
            }
        });
        held.await();
        try {
            action.run();
        } finally {
            done.countDown();
            holder.join();
        }
    }

    @Test
    void aDequeueDoesNotWaitForTheLock() throws Exception {
        try (TestGuest guest = running()) {
            TestQueue queue = guest.fromGuest();
            queue.send(new byte[72], 72);
            whileHeld(queue.queue, () -> assertEquals(0, queue.queue.dequeueBurst(pool, packets, 0, 1)));
            assertEquals(1, queue.queue.counters().get(Counter.BUSY));
            assertEquals(1, queue.queue.dequeueBurst(pool, packets, 0, 1));
            packets[0].release();
        }
    }

    @Test
    void anEnqueueWaitsForAnotherBurst() throws Exception {
        try (TestGuest guest = running()) {
            TestQueue queue = guest.toGuest();
            queue.accept(5, 100);
            packets[0] = pool.take();
            packets[0].reset(60);
            FutureTask<Integer> enqueue = new FutureTask<>(() -> queue.queue.enqueueBurst(packets, 0, 1));
            Thread thread = Thread.ofPlatform().unstarted(enqueue);
            whileHeld(queue.queue, () -> {
                thread.start();
                while (queue.queue.counters().get(Counter.BUSY) == 0) {
                    Thread.onSpinWait();
                }
                assertFalse(enqueue.isDone());
            });
            assertEquals(1, enqueue.get());
            packets[0].release();
            queue.assertUsed(5, 72);
        }
    }

    /** A listener that waits under the lock for the polling thread gets its answer. */
    @Test
    void anEnqueueDoesNotWaitForAChangeOfState() throws Exception {
        try (TestGuest guest = running()) {
            TestQueue queue = guest.toGuest();
            queue.accept(5, 100);
            packets[0] = pool.take();
            packets[0].reset(60);
            FutureTask<Integer> enqueue = new FutureTask<>(() -> queue.queue.enqueueBurst(packets, 0, 1));
            Thread thread = Thread.ofPlatform().unstarted(enqueue);
            FutureTask<Void> disable = new FutureTask<>(() -> {
                guest.control.enable(0, false);
                return null;
            });
            Thread control = Thread.ofPlatform().unstarted(disable);
            whileHeld(queue.queue, () -> {
                thread.start();
                while (queue.queue.counters().get(Counter.BUSY) == 0) {
                    Thread.onSpinWait();
                }
                control.start();
                try {
                    assertEquals(0, enqueue.get(), "the state changes while the lock is still held");
                } catch (Exception e) {
                    throw new AssertionError(e);
                }
                assertFalse(disable.isDone());
            });
            disable.get();
            packets[0].release();
            assertEquals(-1, queue.ring.poll());
        }
    }
}
