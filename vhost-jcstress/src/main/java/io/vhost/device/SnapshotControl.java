package io.vhost.device;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE_INTERESTING;

import java.util.concurrent.locks.ReentrantLock;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/** Broken twins of snapshots: what {@link SnapshotStress} would see. */
public final class SnapshotControl {
    private SnapshotControl() {}

    /** Read without the lock that the traffic holds. Seen 592 times in 59,446. */
    @JCStressTest
    @Outcome(id = {"0, 0", "1, 1"}, expect = ACCEPTABLE, desc = "Before a step of the traffic, or after it.")
    @Outcome(expect = ACCEPTABLE_INTERESTING, desc = "In the middle of a step.")
    @State
    public static class AQueueSnapshotIsTornWithoutLock {
        private final ReentrantLock lock = new ReentrantLock();
        private int inUse;
        private int inFlight;

        @Actor
        public void traffic() {
            lock.lock();
            try {
                inUse = 1;
                Outcomes.linger();
                inFlight = 1;
            } finally {
                lock.unlock();
            }
        }

        @Actor
        public void diagnostics(II_Result r) {
            r.r1 = inUse;
            r.r2 = inFlight;
        }
    }

    /** One field after the other. Seen 3,308 times in 149,046. */
    @JCStressTest
    @Outcome(id = {"0, 0", "1, 1"}, expect = ACCEPTABLE, desc = "Before the requests, or after them.")
    @Outcome(expect = ACCEPTABLE_INTERESTING, desc = "Features of one request, and the status of another.")
    @State
    public static class ADeviceSnapshotIsTornWhenPublishedPieceByPiece {
        private volatile int features;
        private volatile int status;

        @Actor
        public void connection() {
            features = 1;
            Outcomes.linger();
            status = 1;
        }

        @Actor
        public void diagnostics(II_Result r) {
            r.r1 = features;
            r.r2 = status;
        }
    }
}
