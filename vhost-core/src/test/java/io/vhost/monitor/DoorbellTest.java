package io.vhost.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.os.Descriptor;
import io.vhost.os.Poll;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Who rings and who goes do not meet. */
@Timeout(60)
class DoorbellTest {
    private static boolean isReady(Doorbell bell) {
        Poll poll = new Poll(bell.descriptor());
        poll.await(0);
        return poll.isReady(0);
    }

    @Test
    void aRingIsHeardUntilItIsAnswered() {
        try (Doorbell bell = new Doorbell()) {
            assertFalse(isReady(bell));
            bell.ring();
            bell.ring();
            assertTrue(isReady(bell));
            bell.answer();
            assertFalse(isReady(bell));
            bell.ring();
            assertTrue(isReady(bell));
        }
    }

    @Test
    void ringingWhileItIsClosedFindsNoOtherDescriptor() throws InterruptedException {
        int before = Descriptor.openDescriptors();
        AtomicReference<Throwable> failure = new AtomicReference<>();
        for (int round = 0; round < 500; round++) {
            Doorbell bell = new Doorbell();
            AtomicBoolean over = new AtomicBoolean();
            CountDownLatch begun = new CountDownLatch(2);
            List<Thread> ringing = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                ringing.add(Thread.ofPlatform().start(() -> {
                    try {
                        begun.countDown();
                        while (!over.get()) {
                            bell.ring();
                        }
                        bell.ring();
                    } catch (RuntimeException | Error e) {
                        failure.set(e);
                    }
                }));
            }
            begun.await();
            bell.answer();
            bell.answer();
            bell.close();
            over.set(true);
            for (Thread thread : ringing) {
                thread.join();
            }
        }
        assertEquals(null, failure.get());
        assertEquals(before, Descriptor.openDescriptors());
    }
}
