package io.vhost.state;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What the lock of a queue can tell. */
class AccessLockTest {
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
}
