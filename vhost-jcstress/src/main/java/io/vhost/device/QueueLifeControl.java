package io.vhost.device;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE_INTERESTING;

import io.vhost.Pause;
import io.vhost.queue.QueueSteps;
import io.vhost.ring.DeviceRing;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;

/** Broken twins of a queue's changes: what {@link QueueLifeStress} would see. */
public final class QueueLifeControl {
    private QueueLifeControl() {}

    /** The connection makes its change without the lock. Seen 2 times in 31. */
    @JCStressTest
    @Outcome(id = {"0, 0", "1, 1"}, expect = ACCEPTABLE, desc = "Before the change, or after it.")
    @Outcome(expect = ACCEPTABLE_INTERESTING, desc = "Half of it.")
    @State
    public static class APollerSeesAHalfChangedQueueWhenItIsChangedWithoutLock {
        private final BareQueue queue = BareQueue.stopped();

        @Actor
        public void connection() {
            queue.meet();
            QueueSteps.restart(queue.unguarded(), GuestWindow::begin, queue.window[0].memory,
                    GuestWindow.FORMAT, GuestWindow.OPTIONS);
        }

        @Actor
        public void poller(II_Result r) {
            queue.meet();
            Pause.spinUntil(() -> queue.unguarded().ring() != null);
            for (int i = 0; i < 2000 && r.r1 == 0 && r.r2 == 0; i++) {
                queue.access_lock.lock();
                try {
                    r.r1 = queue.isRunning() ? 1 : 0;
                    r.r2 = queue.reports.isTorn() ? -1 : queue.reports.isRunning() ? 1 : 0;
                } finally {
                    queue.access_lock.unlock();
                }
            }
        }
    }

    /**
     * A burst without the lock asks for the ring's memory, and again for the ring.
     * Seen 46 times in 4,018.
     */
    @JCStressTest
    @Outcome(id = {"0, 0", "1, 1"}, expect = ACCEPTABLE, desc = "Table and ring belong together.")
    @Outcome(expect = ACCEPTABLE_INTERESTING,
            desc = "The ring of one table and the buffers of another, or no ring.")
    @State
    public static class ABurstMixesTwoMemoryTablesWithoutLock {
        private final BareQueue queue = BareQueue.running();

        private int table() {
            DeviceRing ring = queue.unguarded().ring();
            return ring == null ? -1 : ring.memory().equals(queue.window[1].memory.window()) ? 1 : 0;
        }

        @Actor
        public void swap() {
            queue.meet();
            queue.start(1);
        }

        @Actor
        public void burst(II_Result r) {
            queue.meet();
            Pause.spinUntil(() -> !queue.isRunning());
            for (int i = 0; i < 50 && r.r1 == 0 && r.r2 == 0; i++) {
                r.r1 = table();
                Pause.linger();
                r.r2 = table();
            }
        }
    }

    /** A burst finds the queue running, and does not take the lock. Seen 137 times in 7,027. */
    @JCStressTest
    @Outcome(id = "0", expect = ACCEPTABLE, desc = "The window is as the stop left it.")
    @Outcome(expect = ACCEPTABLE_INTERESTING, desc = "It was written after the stop.")
    @State
    public static class ARetiredWindowIsWrittenWithoutLock {
        private final BareQueue queue = BareQueue.running();
        private int retired;

        private void enqueue(int packet) {
            try {
                if (queue.isRunning()) {
                    queue.path.enqueue(queue.packets, packet, 1);
                }
            } catch (NullPointerException e) {
                // The ring has gone on the way.
            }
        }

        @Actor
        public void stop() {
            queue.meet();
            queue.stop();
            retired = queue.window[0].fingerprint();
        }

        @Actor
        public void burst() {
            queue.meet();
            enqueue(0);
            enqueue(1);
        }

        @Arbiter
        public void end(I_Result r) {
            r.r1 = queue.window[0].fingerprint() - retired;
        }
    }

    /** A burst finds the queue running, and does not look again under the lock. Seen 17 times in 3,922. */
    @JCStressTest
    @Outcome(id = {"0", "2"}, expect = ACCEPTABLE, desc = "It moved packets, or found the queue stopped.")
    @Outcome(id = "-1", expect = ACCEPTABLE_INTERESTING, desc = "It met a queue without a ring.")
    @State
    public static class ABurstMeetsNoRingWithTheCheckBeforeTheLock {
        private final BareQueue queue = BareQueue.running();

        @Actor
        public void stop() {
            queue.stop();
        }

        @Actor
        public void burst(I_Result r) {
            if (!queue.isRunning()) {
                return;
            }
            Pause.spinUntil(() -> !queue.isRunning());
            queue.access_lock.lock();
            try {
                r.r1 = queue.path.enqueue(queue.packets, 0, 2);
            } catch (NullPointerException e) {
                r.r1 = -1;
            } finally {
                queue.access_lock.unlock();
            }
        }
    }

    /** The same of a burst from the guest. Seen 62 times in 31,829. */
    @JCStressTest
    @Outcome(id = {"0", "2"}, expect = ACCEPTABLE, desc = "It took packets, or found the queue stopped.")
    @Outcome(id = "-1", expect = ACCEPTABLE_INTERESTING, desc = "It met a queue without a ring.")
    @State
    public static class ADequeueMeetsNoRingWithTheCheckBeforeTheLock {
        private final BareSender queue = BareSender.running();

        @Actor
        public void stop() {
            queue.stop();
        }

        @Actor
        public void burst(I_Result r) {
            if (!queue.isRunning()) {
                return;
            }
            Pause.spinUntil(() -> !queue.isRunning());
            if (!queue.access_lock.tryLock()) {
                return;
            }
            try {
                r.r1 = queue.path.dequeue(queue.pool, queue.packets, 0, BareSender.SIZE);
            } catch (NullPointerException e) {
                r.r1 = -1;
            } finally {
                queue.access_lock.unlock();
            }
        }
    }

    /** A swap that holds the lock, and does not wait for copies. Seen 1,233 times in 2,545. */
    @JCStressTest
    @Outcome(id = "0", expect = ACCEPTABLE, desc = "The window is as the swap left it.")
    @Outcome(expect = ACCEPTABLE_INTERESTING, desc = "A copy was made after the swap.")
    @State
    public static class ARetiredWindowIsCopiedToWhenTheSwapDoesNotWait {
        private final BareQueue queue = BareQueue.impatient(2);
        private int retired;

        @Actor
        public void swap() {
            queue.start(1);
            retired = queue.window[0].fingerprint();
        }

        @Actor
        public void drainer() {
            queue.channel.drain();
        }

        @Arbiter
        public void end(I_Result r) {
            r.r1 = queue.window[0].fingerprint() - retired;
        }
    }
}
