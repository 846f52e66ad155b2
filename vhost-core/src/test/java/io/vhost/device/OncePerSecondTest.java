package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** What is told at most once a second. */
class OncePerSecondTest {
    @Test
    void onlyTheFirstOfASecondIsDue() {
        boolean first;
        boolean second;
        long begin;
        do {
            // Again if this thread was held up for so long that a second has passed.
            begin = System.nanoTime();
            OncePerSecond log = new OncePerSecond();
            first = log.isDue();
            second = log.isDue();
            assertTrue(first);
        } while (System.nanoTime() - begin >= 1_000_000_000);
        assertFalse(second);
    }
}
