package io.vhost.device;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE_INTERESTING;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/** Broken twins of the lock assertion: what {@link AccessLockStress} would see. */
@SuppressWarnings("GuardedBy")
public final class AccessLockControl {
    private AccessLockControl() {}

    /** Anybody's lock is enough, as in DPDK. COUNT_OWNER */
    @JCStressTest
    @Outcome(id = "1, -1", expect = ACCEPTABLE, desc = "The stranger was refused.")
    @Outcome(id = "1, 1", expect = ACCEPTABLE_INTERESTING, desc = "The stranger was served under the owner's lock.")
    @State
    public static class AnyOwnersLockIsTakenForOnesOwn {
        private final QueueFixture fixture = QueueFixture.registered();

        @Actor
        public void owner(II_Result r) {
            r.r1 = Outcomes.underLock(fixture.queue, VirtQueue::getInflightThreadUnsafe);
        }

        @Actor
        public void stranger(II_Result r) {
            r.r2 = fixture.queue.access_lock.isLocked() ? Outcomes.SERVED : Outcomes.WITHOUT_LOCK;
        }

        @Arbiter
        public void end(II_Result r) {
            fixture.returnRegistered();
        }
    }
}
