package io.vhost.state;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What the lock of a queue can tell. */
class AccessLockTest {
    private static final Duration HOLD = Duration.ofMillis(1);

    @Test
    void everyWayOfTakingItIsCountedAndAFailureIsNot() throws InterruptedException {
        AccessLock lock = new AccessLock(false);
        lock.lock();
        lock.lockInterruptibly();
        assertTrue(lock.tryLock());
        assertTrue(lock.tryLock(1, TimeUnit.SECONDS));
        assertEquals(4, lock.acquired());
        Thread other = Thread.ofPlatform().start(() -> {
            if (lock.tryLock()) {
                lock.unlock();
            }
        });
        other.join();
        assertEquals(4, lock.acquired());
        for (int i = 0; i < 4; i++) {
            lock.unlock();
        }
        assertEquals(4, lock.acquired());
    }

    private static void passTime() {
        long begin = System.nanoTime();
        while (System.nanoTime() - begin < HOLD.toNanos()) {
            Thread.onSpinWait();
        }
    }

    /** From the first time that the owner took it to the last that he gave it back. */
    @Test
    @SuppressWarnings("LockNotBeforeTry") // Nothing between can throw, and nobody else has the lock.
    void theLongestHoldIsThatOfTheOwnerWhoTookItAgainMeanwhile() {
        AccessLock lock = new AccessLock(true);
        assertEquals(Duration.ZERO, lock.longestHold());
        lock.lock();
        passTime();
        lock.lock();
        lock.unlock();
        assertEquals(Duration.ZERO, lock.longestHold(), "it is held");
        lock.unlock();
        Duration longest = lock.longestHold();
        assertTrue(longest.compareTo(HOLD) >= 0, longest::toString);
        lock.lock();
        lock.unlock();
        assertTrue(lock.longestHold().compareTo(longest) >= 0, "a shorter one changes nothing");
    }

    @Test
    @SuppressWarnings("LockNotBeforeTry") // As above.
    void aLockThatIsNotTimedMeasuresNothing() {
        AccessLock lock = new AccessLock(false);
        lock.lock();
        passTime();
        lock.unlock();
        assertEquals(Duration.ZERO, lock.longestHold());
    }
}
