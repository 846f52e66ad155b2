package io.vhost.server;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.os.EventFd;
import io.vhost.os.Poll;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Waiting for the threads of front-ends, which may be held by the kernel. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ThreadsTest {
    private final EventFd wake = EventFd.create();

    @AfterEach
    void close() {
        wake.close();
    }

    private Thread inTheKernel() {
        Poll poll = new Poll(wake.descriptor());
        return Thread.ofPlatform().daemon().start(() -> poll.await(Poll.FOREVER));
    }

    @Test
    void aThreadThatTheKernelHoldsIsNotWaitedForForEver() throws Exception {
        Thread held = inTheKernel();
        assertFalse(Threads.join(held, () -> false, Duration.ofMillis(1)));
        assertTrue(held.isAlive());
        wake.signal();
        assertTrue(Threads.join(held, () -> false, Duration.ofDays(1)));
        assertFalse(held.isAlive());
    }

    @Test
    void aCallbackIsWaitedForWhateverItDoes() throws Exception {
        Thread held = inTheKernel();
        AtomicInteger looks = new AtomicInteger();
        assertTrue(Threads.join(held, () -> {
            if (looks.incrementAndGet() == 5) {
                wake.signal();
            }
            return true;
        }, Duration.ZERO));
    }

    /** As for a lock that a burst has. */
    @Test
    void aThreadThatWaitsIsWaitedFor() throws Exception {
        CountDownLatch release = new CountDownLatch(1);
        Thread waits = Thread.ofPlatform().daemon().start(() -> {
            try {
                release.await();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        });
        while (waits.getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }
        AtomicInteger looks = new AtomicInteger();
        assertTrue(Threads.join(waits, () -> {
            if (looks.incrementAndGet() == 5) {
                release.countDown();
            }
            return false;
        }, Duration.ZERO));
    }

    @Test
    void anInterruptIsKept() throws Exception {
        Thread held = inTheKernel();
        Thread.currentThread().interrupt();
        assertFalse(Threads.join(held, () -> false, Duration.ofMillis(1)));
        assertTrue(Thread.interrupted());
        wake.signal();
        held.join();
    }
}
