package io.vhost.os;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.app.Await;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ClosingThreadsTest {
    private final ClosingThreads threads = new ClosingThreads();
    private final CountDownLatch release = new CountDownLatch(1);
    private final AtomicInteger begun = new AtomicInteger();
    private final AtomicInteger closed = new AtomicInteger();

    private void closeSlowly() throws InterruptedException {
        begun.getAndIncrement();
        release.await();
        closed.getAndIncrement();
    }

    private void occupy() {
        for (int i = 0; i < ClosingThreads.MOST_THREADS; i++) {
            threads.close(this::closeSlowly);
        }
        Await.until("all threads are busy", () -> begun.get() == ClosingThreads.MOST_THREADS);
    }

    /** Descriptors that wait for their close must not become more and more. */
    @Test
    void whoBringsMoreThanCanWaitClosesThemHimself() {
        occupy();
        for (int i = 0; i < ClosingThreads.MOST_WAITING - 1; i++) {
            threads.close(closed::getAndIncrement);
        }
        assertFalse(threads.isClogged());
        threads.close(closed::getAndIncrement);
        assertTrue(threads.isClogged());
        assertEquals(0, closed.get());
        threads.close(closed::getAndIncrement);
        assertEquals(1, closed.get(), "at once");
        threads.closeLater(closed::getAndIncrement);
        assertEquals(1, closed.get(), "not by who must not wait");
        release.countDown();
        int all = ClosingThreads.MOST_THREADS + ClosingThreads.MOST_WAITING + 2;
        Await.until("all are closed", () -> closed.get() == all);
        assertFalse(threads.isClogged());
    }

    @Test
    void aCloseIsWaitedForButNotForEver() {
        threads.closeSoon(closed::getAndIncrement);
        assertEquals(1, closed.get());
        occupy();
        threads.closeSoon(closed::getAndIncrement);
        assertEquals(1, closed.get());
        release.countDown();
        Await.until("all are closed", () -> closed.get() == 2 + ClosingThreads.MOST_THREADS);
    }

    /** A thread whose task fails goes on with the next, and nobody waits for what has failed. */
    @Test
    void aCloseThatFailsIsOver() {
        threads.closeSoon(() -> {
            throw new OsException("close(fd=7)", Errno.EBADF, "on purpose");
        });
        threads.closeSoon(closed::getAndIncrement);
        assertEquals(1, closed.get());
    }
}
