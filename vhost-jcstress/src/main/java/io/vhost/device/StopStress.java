package io.vhost.device;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import io.vhost.queue.QueueAccess;
import java.util.concurrent.CountDownLatch;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Mode;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.Signal;
import org.openjdk.jcstress.annotations.State;

/**
 * Loops that a change of the queue's state must end. No twins, since the harness waits half a minute until it
 * calls a loop stale: a poller of a queue whose state is a plain field was stale the third time, a burst that
 * does not look at it while it waits the first time.
 */
public final class StopStress {
    private StopStress() {}

    /** A thread that polls as long as the queue runs ends when the ring is stopped. */
    @JCStressTest(Mode.Termination)
    @Outcome(id = "TERMINATED", expect = ACCEPTABLE, desc = "The poller has ended.")
    @Outcome(id = "STALE", expect = FORBIDDEN, desc = "The poller goes on.")
    @State
    public static class AStoppedRingEndsAPoller {
        private final QueueFixture fixture = QueueFixture.running();
        int rounds;

        @Actor
        public void poller() {
            while (fixture.queue.isRunning()) {
                rounds++;
            }
        }

        @Signal
        public void stop() {
            QueueAccess.control(fixture.queue).stop();
        }
    }

    /** A burst that waits for the lock leaves when a change of state begins, whoever has the lock. */
    @JCStressTest(Mode.Termination)
    @Outcome(id = "TERMINATED", expect = ACCEPTABLE, desc = "The burst has ended.")
    @Outcome(id = "STALE", expect = FORBIDDEN, desc = "The burst waits on.")
    @State
    public static class ABeginningChangeEndsABurstThatWaits {
        private final QueueFixture fixture = QueueFixture.running();
        private final CountDownLatch burstEnded = new CountDownLatch(1);

        /** Another thread takes the lock and keeps it as long as the burst lasts. */
        public ABeginningChangeEndsABurstThatWaits() {
            Thread.ofPlatform().daemon().start(this::hold);
            while (!fixture.queue.access_lock.isLocked()) {
                Thread.onSpinWait();
            }
        }

        private void hold() {
            fixture.queue.access_lock.lock();
            try {
                burstEnded.await();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            } finally {
                fixture.queue.access_lock.unlock();
            }
        }

        @Actor
        public void burst() {
            fixture.queue.enqueueBurst(fixture.packets, 0, 1);
            burstEnded.countDown();
        }

        @Signal
        public void change() {
            QueueAccess.control(fixture.queue).stop();
        }
    }
}
