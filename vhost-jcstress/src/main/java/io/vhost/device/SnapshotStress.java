package io.vhost.device;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import io.vhost.state.DeviceSnapshot;
import io.vhost.state.QueueSnapshot;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/** What diagnostics see of queues and devices at work. */
public final class SnapshotStress {
    private SnapshotStress() {}

    /**
     * Each packet in flight has taken one chain: a snapshot shows as many of these as of those. Twin:
     * {@link SnapshotControl.AQueueSnapshotIsTornWithoutLock}.
     */
    @JCStressTest
    @Outcome(id = {"0, 0", "1, 1"}, expect = ACCEPTABLE, desc = "Before a step of the traffic, or after it.")
    @Outcome(id = "-1, -1", expect = ACCEPTABLE, desc = "The lock was not to be had.")
    @Outcome(expect = FORBIDDEN, desc = "In the middle of a step.")
    @State
    public static class AQueueSnapshotIsOfOneMoment {
        private final QueueFixture fixture = QueueFixture.registered();

        @Actor
        public void traffic() {
            fixture.submit(0, 1);
            fixture.clear(1);
            fixture.submit(0, 1);
            fixture.clear(1);
        }

        @Actor
        public void diagnostics(II_Result r) {
            for (int i = 0; i < 10 && r.r1 == 0 && r.r2 == 0; i++) {
                QueueSnapshot snapshot = fixture.queue.snapshot();
                r.r1 = snapshot == null ? -1 : snapshot.inUse();
                r.r2 = snapshot == null ? -1 : snapshot.inFlight();
            }
        }

        @Arbiter
        public void end(II_Result r) {
            fixture.giveBack();
        }
    }

    /**
     * All of a device's snapshot is of one request. Twin:
     * {@link SnapshotControl.ADeviceSnapshotIsTornWhenItIsAskedForPieceByPiece}.
     */
    @JCStressTest
    @Outcome(id = {"0, 0", "1, 1"}, expect = ACCEPTABLE, desc = "Before the requests, or after them.")
    @Outcome(expect = FORBIDDEN, desc = "Features of one request, and the status of another.")
    @State
    public static class ADeviceSnapshotIsOfOneRequest {
        private final ControlFixture fixture = ControlFixture.reset();

        @Actor
        public void connection() {
            fixture.negotiate(1);
        }

        @Actor
        public void diagnostics(II_Result r) {
            // Again and again, since a request takes much longer than looking.
            for (int i = 0; i < 200 && r.r1 == 0 && r.r2 == 0; i++) {
                DeviceSnapshot snapshot = fixture.snapshot();
                r.r1 = ControlFixture.versionOfFeatures(snapshot);
                r.r2 = ControlFixture.versionOfStatus(snapshot);
            }
        }

        @Arbiter
        public void end(II_Result r) {
            fixture.giveBack();
        }
    }
}
