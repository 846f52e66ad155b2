package io.vhost.app.polling;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ClosedTogetherTest {
    private final AtomicInteger closed = new AtomicInteger();

    /** Each waits until all have begun. */
    @Test
    void noneWaitsForAnother() {
        CountDownLatch begun = new CountDownLatch(3);
        Runnable close = () -> {
            begun.countDown();
            try {
                begun.await();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            closed.getAndIncrement();
        };
        Thread.currentThread().interrupt();
        ClosedTogether.run(List.of(close, close, close));
        assertEquals(3, closed.get());
        assertTrue(Thread.interrupted(), "an interrupt stays set");
        ClosedTogether.run(List.of());
    }

    @Test
    void oneThatFailsKeepsNoOtherAndIsTold() {
        IllegalStateException failure = new IllegalStateException("on purpose");
        Runnable fails = () -> {
            throw failure;
        };
        assertEquals(failure, assertThrows(IllegalStateException.class, () ->
                ClosedTogether.run(List.of(closed::getAndIncrement, fails, closed::getAndIncrement))));
        assertEquals(2, closed.get());
    }
}
