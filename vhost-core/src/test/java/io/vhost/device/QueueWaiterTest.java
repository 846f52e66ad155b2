package io.vhost.device;

import io.vhost.queue.ControlException;
import io.vhost.queue.KickSource;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.os.Descriptor;
import io.vhost.os.EventFd;
import io.vhost.os.HostilePeer;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class QueueWaiterTest extends EachFormat {

    @Test
    void workThatIsThereAlreadyEndsTheWait() throws ControlException {
        try (TestGuest guest = running(); QueueWaiter waiter = new QueueWaiter()) {
            VirtQueue queue = guest.fromGuest().queue;
            assertFalse(waiter.await(0, queue));
            guest.fromGuest().send(new byte[100], 100);
            assertTrue(waiter.await(QueueWaiter.FOREVER, queue));
        }
    }

    @Test
    void aKickAWakeUpAndAChangeOfTheQueueEndTheWait() throws ControlException {
        try (TestGuest guest = running(); QueueWaiter waiter = new QueueWaiter()) {
            VirtQueue queue = guest.fromGuest().queue;
            guest.fromGuest().kick.signal();
            assertTrue(waiter.await(QueueWaiter.FOREVER, queue));
            assertFalse(waiter.await(0, queue), "the kick is taken");
            waiter.wakeUp();
            assertTrue(waiter.await(QueueWaiter.FOREVER, queue));
            assertFalse(waiter.await(0, queue));
            guest.control.stopRing(1);
            assertTrue(waiter.await(QueueWaiter.FOREVER, queue));
            assertFalse(waiter.await(0, queue), "a stopped queue is waited for in vain");
            guest.control.announce(1);
            assertTrue(waiter.await(QueueWaiter.FOREVER, queue));
        }
    }

    /** A thread that a queue was taken from may run only after another one waits for the queue already. */
    @Test
    void whoeverNoLongerWaitsLeavesTheNextOneItsKicks() throws ControlException {
        try (TestGuest guest = running(); KickSource early = new KickSource();
                KickSource late = new KickSource()) {
            VirtQueue queue = guest.fromGuest().queue;
            Runnable first = () -> {};
            Runnable second = () -> {};
            assertEquals(KickSource.Answer.ARMED, queue.armFor(first, early));
            assertEquals(KickSource.Answer.ARMED, queue.armFor(second, late));
            queue.disarmed(first);
            guest.fromGuest().send(new byte[100], 100);
            assertTrue(guest.fromGuest().ring.needsKick(), "the second one sleeps");
            queue.disarmed(second);
            guest.fromGuest().send(new byte[100], 100);
            assertFalse(guest.fromGuest().ring.needsKick());
        }
    }

    /** A sender waits for room: for buffers that the guest offers. */
    @Test
    void aQueueToTheGuestIsWaitedForUntilTheGuestOffersBuffers() throws ControlException {
        try (TestGuest guest = running(); QueueWaiter waiter = new QueueWaiter()) {
            VirtQueue queue = guest.toGuest().queue;
            assertFalse(waiter.await(0, queue));
            guest.toGuest().accept(1, 600);
            assertTrue(waiter.await(QueueWaiter.FOREVER, queue));
        }
    }

    @Test
    void anInterruptEndsTheWaitAndStays() throws Exception {
        try (TestGuest guest = running(); QueueWaiter waiter = new QueueWaiter()) {
            VirtQueue queue = guest.fromGuest().queue;
            FutureTask<Boolean> wait = waitOf(waiter, queue);
            Thread thread = Thread.ofPlatform().start(wait);
            thread.interrupt();
            assertTrue(wait.get());
            Thread.currentThread().interrupt();
            assertTrue(waiter.await(QueueWaiter.FOREVER, queue), "an interrupt that came before");
            assertTrue(Thread.interrupted());
            assertFalse(waiter.await(0, queue));
        }
    }

    private static FutureTask<Boolean> waitOf(QueueWaiter waiter, VirtQueue... queues) {
        return new FutureTask<>(() -> waiter.await(QueueWaiter.FOREVER, queues));
    }

    /** Whenever the close comes, before the wait or during it, the thread gets away and nothing is left. */
    @Test
    void closingEndsTheWaitAndIsSaidClearlyToTheNextOne() throws Exception {
        int before = Descriptor.openDescriptors();
        try (TestGuest guest = running()) {
            for (int i = 0; i < 200; i++) {
                QueueWaiter waiter = new QueueWaiter();
                FutureTask<Boolean> wait = waitOf(waiter, guest.fromGuest().queue);
                Thread thread = Thread.ofPlatform().start(wait);
                for (int spin = 0; spin < i * 100; spin++) {
                    Thread.onSpinWait();
                }
                waiter.close();
                try {
                    assertTrue(wait.get());
                } catch (ExecutionException refused) {
                    assertEquals("the waiter is closed: make another one", refused.getCause().getMessage());
                }
                thread.join();
                assertThrows(IllegalStateException.class, () -> waiter.await(0));
                waiter.close();
                waiter.wakeUp();
            }
        }
        assertEquals(before, Descriptor.openDescriptors());
    }

    @Test
    void aSecondThreadIsRefusedWhileOneWaits() throws Exception {
        try (TestGuest guest = running(); QueueWaiter waiter = new QueueWaiter()) {
            VirtQueue queue = guest.fromGuest().queue;
            FutureTask<Boolean> wait = waitOf(waiter, queue);
            Thread thread = Thread.ofPlatform().start(wait);
            String text = null;
            while (text == null) {
                try {
                    waiter.await(0, queue);
                    // One of the two is refused, whichever came second.
                    text = wait.isDone() ? wait.exceptionNow().getMessage() : null;
                } catch (IllegalStateException refused) {
                    text = refused.getMessage();
                }
            }
            assertTrue(text.startsWith("another thread waits here"), text);
            waiter.wakeUp();
            thread.join();
        }
    }

    @Test
    @SuppressWarnings("try") // One is closed behind the waiter's back.
    void descriptorsOfTheApplicationEndTheWaitAndSayWhichItWas() throws ControlException {
        try (TestGuest guest = running();
                EventFd one = EventFd.create();
                EventFd other = EventFd.create();
                QueueWaiter waiter = new QueueWaiter(one.descriptor().fd(), other.descriptor().fd())) {
            int first = one.descriptor().fd();
            int second = other.descriptor().fd();
            VirtQueue queue = guest.fromGuest().queue;
            assertFalse(waiter.await(0, queue));
            other.signal();
            assertTrue(waiter.await(QueueWaiter.FOREVER, queue));
            assertFalse(waiter.isReadable(first));
            assertTrue(waiter.isReadable(second));
            assertTrue(waiter.await(QueueWaiter.FOREVER, queue), "reading it is the application's business");
            other.drain();
            assertFalse(waiter.await(0, queue));
            assertFalse(waiter.isReadable(second));
            assertThrows(IllegalArgumentException.class, () -> waiter.isReadable(-1));
            one.close();
            String text =
                    assertThrows(IllegalStateException.class, () -> waiter.await(0, queue)).getMessage();
            assertEquals("fd=" + first + " was closed while it was watched", text);
        }
    }

    /** Whether a read waits is a property of the open file, which front-ends share. */
    @Test
    void aFrontEndThatMakesReadsOfItsKickWaitHoldsUpNobody() throws ControlException {
        try (TestGuest hostile = running();
                TestGuest good = running();
                QueueWaiter waiter = new QueueWaiter()) {
            VirtQueue[] queues = {hostile.fromGuest().queue, good.fromGuest().queue};
            assertFalse(waiter.await(0, queues));
            hostile.fromGuest().kick.descriptor().blocking();
            good.fromGuest().kick.signal();
            assertTrue(waiter.await(QueueWaiter.FOREVER, queues));
            waiter.wakeUp();
            assertTrue(waiter.await(QueueWaiter.FOREVER, queues));
            hostile.fromGuest().kick.signal();
            assertTrue(waiter.await(QueueWaiter.FOREVER, queues));
            assertFalse(waiter.await(0, queues), "both kicks are taken");
        }
    }

    /** A semaphore of billions gives one away with each read, and is readable for ever. */
    @Test
    void aKickThatCanAlwaysBeReadEndsFewWaits() throws ControlException {
        try (TestGuest hostile = running();
                TestGuest good = running();
                QueueWaiter waiter = new QueueWaiter();
                PacketPool pool = PacketPool.create(1, 512)) {
            hostile.control.kick(1, HostilePeer.semaphore(0xFFFF_FFFE));
            VirtQueue[] queues = {hostile.fromGuest().queue, good.fromGuest().queue};
            assertEquals(16, endedWaits(waiter, queues));
            good.fromGuest().kick.signal();
            assertTrue(waiter.await(QueueWaiter.FOREVER, queues), "who kicks for a reason is heard");
            assertEquals(0, endedWaits(waiter, queues));
            hostile.fromGuest().send(new byte[100], 100);
            Packet[] packets = new Packet[1];
            assertEquals(1, queues[0].dequeueBurst(pool, packets, 0, 1));
            pool.release(packets, 0, 1);
            assertEquals(16, endedWaits(waiter, queues), "after work it may be of use again");
        }
    }

    private static int endedWaits(QueueWaiter waiter, VirtQueue... queues) {
        int ended = 0;
        for (int i = 0; i < 100; i++) {
            ended += waiter.await(0, queues) ? 1 : 0;
        }
        return ended;
    }

    @Test
    void aQueueWithoutKicksIsLookedAtAgainSoon() throws ControlException {
        try (TestGuest guest = running(); QueueWaiter waiter = new QueueWaiter()) {
            guest.control.stopRing(1);
            guest.control.kick(1, null);
            assertFalse(waiter.await(QueueWaiter.FOREVER, guest.fromGuest().queue), "after a millisecond");
        }
    }

    /** The guest kicks only when it was asked to, and then at once. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void noKickIsLost(boolean eventIdx) throws Exception {
        int packetCount = 20_000;
        int before = Descriptor.openDescriptors();
        try (TestGuest guest = TestGuest.running(eventIdx ? withEventIdx() : features());
                PacketPool pool = PacketPool.create(64, 512);
                QueueWaiter waiter = new QueueWaiter()) {
            TestQueue queue = guest.fromGuest();
            CountDownLatch over = new CountDownLatch(1);
            Thread driver = Thread.ofPlatform().start(() -> {
                byte[] frame = new byte[72];
                long offset = queue.allocate(72);
                for (int sent = 0; sent < packetCount;) {
                    while (queue.ring.poll() >= 0) {
                        Thread.onSpinWait();
                    }
                    if (queue.ring.free() > 60) {
                        queue.sendAt(offset, frame, 72);
                        sent++;
                        if (queue.ring.needsKick()) {
                            queue.kick.signal();
                        }
                    }
                }
                over.countDown();
            });
            Packet[] packets = new Packet[32];
            int received = 0;
            while (received < packetCount) {
                int count = queue.queue.dequeueBurst(pool, packets, 0, 32);
                pool.release(packets, 0, count);
                received += count;
                if (count == 0) {
                    waiter.await(QueueWaiter.FOREVER, queue.queue);
                }
            }
            over.await();
            driver.join();
            assertEquals(packetCount, received);
        }
        assertEquals(before, Descriptor.openDescriptors());
    }
}
