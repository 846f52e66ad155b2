package io.vhost.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.device.VhostConfig;
import io.vhost.os.EventFd;
import io.vhost.os.Poll;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Waiting for the threads of front-ends, which may be held by the kernel. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class PatienceTest {
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
        assertFalse(new Patience(Duration.ofMillis(1)).join(held));
        assertTrue(held.isAlive());
        wake.signal();
        assertTrue(new Patience(Duration.ofDays(1)).join(held));
        assertFalse(held.isAlive());
    }

    @Test
    void aThreadDoesNotWaitForItself() {
        assertTrue(new Patience(Duration.ofDays(1)).join(Thread.currentThread()));
    }

    @Test
    void aCallbackIsWaitedForWhateverItDoes() throws Exception {
        Thread held = inTheKernel();
        AtomicInteger looks = new AtomicInteger();
        assertTrue(new Patience(Duration.ZERO).join(held, () -> {
            if (looks.incrementAndGet() == 5) {
                wake.signal();
            }
            return true;
        }));
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
        // Less than all looks take, and more than one.
        Patience patience = new Patience(Patience.LOOK.multipliedBy(10));
        assertTrue(patience.join(waits, () -> {
            if (looks.incrementAndGet() == 30) {
                release.countDown();
            }
            return false;
        }));
        assertTrue(looks.get() >= 30);
    }

    /** What one thread has cost is not there for the next. */
    @Test
    void patienceIsSpentOnAllTogether() throws Exception {
        Patience patience = new Patience(Patience.LOOK.multipliedBy(4));
        Thread held = inTheKernel();
        AtomicInteger looks = new AtomicInteger();
        assertFalse(patience.join(held, () -> looks.incrementAndGet() < 0));
        assertTrue(looks.get() <= 5, looks::toString);
        looks.set(0);
        assertFalse(patience.join(held, () -> looks.incrementAndGet() < 0));
        assertEquals(1, looks.get());
        wake.signal();
        held.join();
    }

    /** Whatever an application thinks is long. */
    @Test
    void aCopyTimeoutOfAnyLengthIsPatience() throws Exception {
        for (Duration timeout : List.of(Duration.ZERO, Duration.ofDays(200_000),
                Duration.ofSeconds(Long.MAX_VALUE))) {
            Thread ended = Thread.ofPlatform().start(() -> { });
            assertTrue(Patience.of(VhostConfig.builder().copyTimeout(timeout).build()).join(ended));
        }
    }

    @Test
    void anInterruptIsKept() throws Exception {
        Thread held = inTheKernel();
        Thread.currentThread().interrupt();
        assertFalse(new Patience(Duration.ofMillis(1)).join(held));
        assertTrue(Thread.interrupted());
        wake.signal();
        held.join();
    }

    /** However many are held, and however many times one seems to do something else for a moment. */
    @Test
    void allThreadsTogetherAreWaitedForOnce() throws Exception {
        Patience patience = new Patience(Duration.ofMillis(1));
        Thread held = inTheKernel();
        assertFalse(patience.join(held));
        AtomicInteger looks = new AtomicInteger();
        assertFalse(patience.join(held, () -> looks.incrementAndGet() < 3));
        assertEquals(3, looks.get(), "the first look without a callback is the last one");
        CountDownLatch never = new CountDownLatch(1);
        Thread sleeps = Thread.ofPlatform().daemon().start(() -> {
            try {
                boolean _ = never.await(1, TimeUnit.DAYS);
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        });
        while (sleeps.getState() != Thread.State.TIMED_WAITING) {
            Thread.onSpinWait();
        }
        assertFalse(patience.join(sleeps), "that is for copies, or what is closed elsewhere");
        never.countDown();
        wake.signal();
        held.join();
        assertTrue(patience.join(held), "one that has ended costs nothing");
    }
}
