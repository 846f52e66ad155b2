package io.vhost.device;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE_INTERESTING;

import io.vhost.Pause;
import io.vhost.queue.QueueSteps;
import io.vhost.state.QueueSnapshot;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/** Broken twins of snapshots: what {@link SnapshotStress} would see. */
public final class SnapshotControl {
    private SnapshotControl() {}

    /** Taken without the lock that the traffic holds. Seen 43 times in 3,892. */
    @JCStressTest
    @Outcome(id = {"0, 0", "1, 1"}, expect = ACCEPTABLE, desc = "Before a step of the traffic, or after it.")
    @Outcome(expect = ACCEPTABLE_INTERESTING, desc = "In the middle of a step.")
    @State
    public static class AQueueSnapshotIsTornWithoutLock {
        private final BareQueue queue = BareQueue.submitted(0);

        @Actor
        public void traffic() {
            queue.submitAndClear();
            queue.submitAndClear();
        }

        @Actor
        public void diagnostics(II_Result r) {
            queue.awaitHolder();
            for (int i = 0; i < 10 && r.r1 == r.r2; i++) {
                look(r);
            }
        }

        private void look(II_Result r) {
            try {
                QueueSnapshot snapshot = QueueSteps.snapshot(queue.unguarded());
                r.r1 = snapshot.inUse();
                r.r2 = snapshot.inFlight();
            } catch (NullPointerException _) {
                // A copy was under way at one look and its channel was gone at the next: torn as well.
                r.r1 = -1;
            }
        }
    }

    /** The features are the device's of now, the rest is its snapshot's. Seen 331 times in 2,813. */
    @JCStressTest
    @Outcome(id = {"0, 0", "1, 1"}, expect = ACCEPTABLE, desc = "Before the requests, or after them.")
    @Outcome(expect = ACCEPTABLE_INTERESTING, desc = "Features of one request, and the status of another.")
    @State
    public static class ADeviceSnapshotIsTornWhenItIsAskedForPieceByPiece {
        private final ControlFixture fixture = ControlFixture.reset();

        @Actor
        public void connection() {
            fixture.negotiate(1);
        }

        @Actor
        public void diagnostics(II_Result r) {
            for (int i = 0; i < 200 && r.r1 == 0 && r.r2 == 0; i++) {
                r.r1 = fixture.versionOfFeatures();
                Pause.linger();
                r.r2 = ControlFixture.versionOfStatus(fixture.snapshot());
            }
        }

        @Arbiter
        public void end(II_Result r) {
            fixture.giveBack();
        }
    }
}
