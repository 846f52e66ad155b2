package io.vhost.device;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import io.vhost.net.Packet;
import io.vhost.state.AccessLock;
import io.vhost.state.QueueCounters.Counter;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressMeta;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;

/**
 * The lock assertion: the caller's own lock serves, nothing else does, and a refused call changes nothing.
 * One {@link LockContest} for each pair of safe and unsafe call; the twins of all four are
 * {@link AccessLockControl.AnyOwnersLockIsTakenForOnesOwn} and
 * {@link AccessLockControl.ARefusedCallHasRegisteredWithTheCheckBehindIt}.
 */
@SuppressWarnings("GuardedBy") // The compiler refuses these calls, which is why they are made here.
public final class AccessLockStress {
    private AccessLockStress() {}

    /** {@link VirtQueue#registerAsyncThreadUnsafe}: registered in the end. */
    @JCStressTest
    @JCStressMeta(OwnLockAlone.class)
    @State
    public static class RegisterIsServedUnderTheCallersOwnLockAlone {
        private final LockContest contest =
                new LockContest(QueueFixture.running(), VirtQueue::registerAsyncThreadUnsafe, 0);

        @Actor
        public void owner(III_Result r) {
            contest.owner(r);
        }

        @Actor
        public void stranger(III_Result r) {
            contest.stranger(r);
        }

        @Arbiter
        public void end(III_Result r) {
            contest.end(r);
        }
    }

    /** {@link VirtQueue#unregisterAsyncThreadUnsafe}: registered until the owner's call. */
    @JCStressTest
    @JCStressMeta(OwnLockAlone.class)
    @State
    public static class UnregisterIsServedUnderTheCallersOwnLockAlone {
        private final LockContest contest =
                new LockContest(QueueFixture.registered(), VirtQueue::unregisterAsyncThreadUnsafe, -1);

        @Actor
        public void owner(III_Result r) {
            contest.owner(r);
        }

        @Actor
        public void stranger(III_Result r) {
            contest.stranger(r);
        }

        @Arbiter
        public void end(III_Result r) {
            contest.end(r);
        }
    }

    /** {@link VirtQueue#getInflightThreadUnsafe}: one packet is in flight. */
    @JCStressTest
    @JCStressMeta(OwnLockAlone.class)
    @State
    public static class InflightIsServedUnderTheCallersOwnLockAlone {
        private final LockContest contest =
                new LockContest(QueueFixture.submitted(1), VirtQueue::getInflightThreadUnsafe, 1);

        @Actor
        public void owner(III_Result r) {
            contest.owner(r);
        }

        @Actor
        public void stranger(III_Result r) {
            contest.stranger(r);
        }

        @Arbiter
        public void end(III_Result r) {
            contest.end(r);
        }
    }

    /** {@link VirtQueue#clearQueueThreadUnsafe}: the packet in flight is given back to the owner. */
    @JCStressTest
    @JCStressMeta(OwnLockAlone.class)
    @State
    public static class ClearIsServedUnderTheCallersOwnLockAlone {
        private final QueueFixture fixture = QueueFixture.submitted(1);
        private final LockContest contest = new LockContest(
                fixture, queue -> queue.clearQueueThreadUnsafe(new Packet[1], 0, 1, fixture.channel), 0);

        @Actor
        public void owner(III_Result r) {
            contest.owner(r);
        }

        @Actor
        public void stranger(III_Result r) {
            contest.stranger(r);
        }

        @Arbiter
        public void end(III_Result r) {
            contest.end(r);
        }
    }

    /**
     * A lock taken twice and let go once is held; the holds are what they were before. Twin:
     * {@link AccessLockControl.AHoldIsLostWhenAnInnerCallLetsGoOfAll}.
     */
    @JCStressTest
    @Outcome(id = "1, 1", expect = ACCEPTABLE, desc = "Both were served, each under its lock.")
    @Outcome(expect = FORBIDDEN, desc = "A holder was refused, or a hold was lost or added.")
    @State
    public static class ReentrantHoldingCounts {
        private final QueueFixture fixture = QueueFixture.registered();

        @Actor
        public void reentrant(II_Result r) {
            AccessLock lock = fixture.queue.access_lock;
            lock.lock();
            try {
                int before = Outcomes.underLock(fixture.queue, VirtQueue::getInflightThreadUnsafe);
                fixture.queue.getInflight();
                int after = Outcomes.of(fixture.queue, VirtQueue::getInflightThreadUnsafe);
                r.r1 = before == after ? after + lock.getHoldCount() - 1 : -2;
            } finally {
                lock.unlock();
            }
        }

        @Actor
        public void other(II_Result r) {
            r.r2 = Outcomes.of(fixture.queue, VirtQueue::getInflight);
        }

        @Arbiter
        public void end(II_Result r) {
            if (fixture.queue.access_lock.isLocked()) {
                r.r2 = -2;
            }
            fixture.giveBack();
        }
    }

    /**
     * Refusals are counted by threads that do not have the lock, and none is lost. Twin:
     * {@link io.vhost.queue.QueueCountersControl.ASharedCountIsLostByTheHoldersAddition}.
     */
    @JCStressTest
    @Outcome(id = "-1, -1, 2", expect = ACCEPTABLE, desc = "Both refused and counted.")
    @Outcome(expect = FORBIDDEN, desc = "A refusal was not counted, or a call was served.")
    @State
    public static class EachRefusalIsCounted {
        private final QueueFixture fixture = QueueFixture.registered();
        private final long misused = fixture.counted(Counter.LOCK_MISUSE);

        @Actor
        public void one(III_Result r) {
            r.r1 = Outcomes.of(fixture.queue, VirtQueue::getInflightThreadUnsafe);
        }

        @Actor
        public void other(III_Result r) {
            r.r2 = Outcomes.of(fixture.queue, VirtQueue::unregisterAsyncThreadUnsafe);
        }

        @Arbiter
        public void end(III_Result r) {
            r.r3 = (int) (fixture.counted(Counter.LOCK_MISUSE) - misused);
            fixture.giveBack();
        }
    }
}
