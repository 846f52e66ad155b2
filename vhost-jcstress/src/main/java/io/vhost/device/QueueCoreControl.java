package io.vhost.device;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE_INTERESTING;

import java.util.concurrent.locks.ReentrantLock;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;

/** Broken twins of a queue's changes: what {@link QueueCoreStress} would see. */
public final class QueueCoreControl {
    private QueueCoreControl() {}

    /** The listener is told before the lock is taken. Seen 2,993 times in 131,126. */
    @JCStressTest
    @Outcome(id = {"0, 0", "1, 1"}, expect = ACCEPTABLE, desc = "Before the change, or after it.")
    @Outcome(expect = ACCEPTABLE_INTERESTING, desc = "Half of it.")
    @State
    public static class APollerSeesAHalfChangedQueueWhenTheListenerIsToldWithoutLock {
        private final ReportLog reports = new ReportLog();
        private final ReentrantLock lock = new ReentrantLock();
        private int running;

        @Actor
        public void connection() {
            reports.note(true);
            lock.lock();
            try {
                running = 1;
            } finally {
                lock.unlock();
            }
        }

        @Actor
        public void poller(II_Result r) {
            lock.lock();
            try {
                r.r1 = running;
                r.r2 = reports.isTorn() ? -1 : reports.isRunning() ? 1 : 0;
            } finally {
                lock.unlock();
            }
        }
    }

    /**
     * The new table is published, then the ring in it, and a burst reads them one by one. Seen 4,387 times in
     * 181,046.
     */
    @JCStressTest
    @Outcome(id = {"0, 0", "1, 1"}, expect = ACCEPTABLE, desc = "Table and ring belong together.")
    @Outcome(expect = ACCEPTABLE_INTERESTING, desc = "The ring of one table and the buffers of another.")
    @State
    public static class ABurstMixesTwoMemoryTablesPublishedOneByOne {
        private volatile int table;
        private volatile int ring;

        @Actor
        public void swap() {
            table = 1;
            Outcomes.linger();
            ring = 1;
        }

        @Actor
        public void burst(II_Result r) {
            r.r1 = table;
            r.r2 = ring;
        }
    }

    /** A burst finds the queue running, and does not look again under the lock. Seen 243 times in 90,166. */
    @JCStressTest
    @Outcome(id = "0", expect = ACCEPTABLE, desc = "The window is as the swap left it.")
    @Outcome(expect = ACCEPTABLE_INTERESTING, desc = "It was written after the swap.")
    @State
    public static class ARetiredWindowIsWrittenWithTheCheckBeforeTheLock {
        private final ReentrantLock lock = new ReentrantLock();
        private volatile boolean running = true;
        private int window;
        private int retired;

        @Actor
        public void swap() {
            running = false;
            lock.lock();
            try {
                retired = window;
            } finally {
                lock.unlock();
            }
        }

        @Actor
        public void burst() {
            if (!running) {
                return;
            }
            lock.lock();
            try {
                window = 1;
            } finally {
                lock.unlock();
            }
        }

        @Arbiter
        public void end(I_Result r) {
            r.r1 = window - retired;
        }
    }

    /** A swap that holds the lock, and does not wait for copies. Seen 36,569 times in 62,006. */
    @JCStressTest
    @Outcome(id = "0", expect = ACCEPTABLE, desc = "The window is as the swap left it.")
    @Outcome(expect = ACCEPTABLE_INTERESTING, desc = "A copy was made after the swap.")
    @State
    public static class ARetiredWindowIsCopiedToWhenTheSwapDoesNotWait {
        private final TwoInFlight copies = new TwoInFlight();
        private final ReentrantLock lock = new ReentrantLock();
        private int retired;

        @Actor
        public void swap() {
            lock.lock();
            try {
                retired = copies.bytes(0);
            } finally {
                lock.unlock();
            }
        }

        @Actor
        public void drainer() {
            copies.finish(0);
        }

        @Arbiter
        public void end(I_Result r) {
            r.r1 = copies.bytes(0) - retired;
        }
    }
}
