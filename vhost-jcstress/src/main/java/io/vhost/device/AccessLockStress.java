package io.vhost.device;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import io.vhost.device.QueueCounters.Counter;
import io.vhost.net.Packet;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;

/**
 * The lock assertion: the caller's own lock serves, nothing else does, and a refused call changes nothing. In each test of
 * a pair the owner holds the lock while the stranger calls without.
 */
@SuppressWarnings("GuardedBy") // The compiler refuses these calls, which is why they are made here.
public final class AccessLockStress {
    private AccessLockStress() {}

    /** {@link VirtQueue#registerAsyncThreadUnsafe}: registered in the end. */
    @JCStressTest
    @Outcome(id = "1, -1, 1", expect = ACCEPTABLE, desc = "The owner was served, the stranger refused and counted.")
    @Outcome(expect = FORBIDDEN, desc = "The stranger was served, or changed something, or the owner was refused.")
    @State
    public static class RegisterIsServedUnderTheCallersOwnLockAlone {
        private final QueueFixture fixture = QueueFixture.running();
        private final long misused = fixture.counted(Counter.LOCK_MISUSE);

        @Actor
        public void owner(III_Result r) {
            r.r1 = Outcomes.underLock(fixture.queue, VirtQueue::registerAsyncThreadUnsafe);
        }

        @Actor
        public void stranger(III_Result r) {
            r.r2 = Outcomes.of(fixture.queue, VirtQueue::registerAsyncThreadUnsafe);
        }

        @Arbiter
        public void end(III_Result r) {
            r.r3 = fixture.queue.isAsyncRegistered() ? 1 : 0;
            if (fixture.counted(Counter.LOCK_MISUSE) != misused + 1 || fixture.queue.access_lock.isLocked()) {
                r.r3 = -1;
            }
            fixture.returnRunning();
        }
    }

    /** {@link VirtQueue#unregisterAsyncThreadUnsafe}: registered until the owner's call. */
    @JCStressTest
    @Outcome(id = "1, -1, 1", expect = ACCEPTABLE, desc = "The owner was served, the stranger refused and counted.")
    @Outcome(expect = FORBIDDEN, desc = "The stranger was served, or changed something, or the owner was refused.")
    @State
    public static class UnregisterIsServedUnderTheCallersOwnLockAlone {
        private final QueueFixture fixture = QueueFixture.running();
        private final long misused = fixture.counted(Counter.LOCK_MISUSE);

        /** Registers. */
        public UnregisterIsServedUnderTheCallersOwnLockAlone() {
            fixture.queue.registerAsync();
        }

        @Actor
        public void owner(III_Result r) {
            r.r1 = Outcomes.underLock(fixture.queue, queue -> {
                r.r3 = queue.isAsyncRegistered() ? 1 : 0;
                queue.unregisterAsyncThreadUnsafe();
            });
        }

        @Actor
        public void stranger(III_Result r) {
            r.r2 = Outcomes.of(fixture.queue, VirtQueue::unregisterAsyncThreadUnsafe);
        }

        @Arbiter
        public void end(III_Result r) {
            if (fixture.queue.isAsyncRegistered()) {
                r.r3 = -1;
            }
            if (fixture.counted(Counter.LOCK_MISUSE) != misused + 1 || fixture.queue.access_lock.isLocked()) {
                r.r3 = -1;
            }
            fixture.returnRunning();
        }
    }

    /** {@link VirtQueue#getInflightThreadUnsafe}: one packet is in flight. */
    @JCStressTest
    @Outcome(id = "1, -1, 1", expect = ACCEPTABLE, desc = "The owner was served, the stranger refused and counted.")
    @Outcome(expect = FORBIDDEN, desc = "The stranger was served, or changed something, or the owner was refused.")
    @State
    public static class InflightIsServedUnderTheCallersOwnLockAlone {
        private final QueueFixture fixture = QueueFixture.registered();
        private final long misused = fixture.counted(Counter.LOCK_MISUSE);

        /** Submits a packet. */
        public InflightIsServedUnderTheCallersOwnLockAlone() {
            fixture.submit(0, 1);
        }

        @Actor
        public void owner(III_Result r) {
            r.r1 = Outcomes.underLock(fixture.queue, queue -> r.r3 = queue.getInflightThreadUnsafe());
        }

        @Actor
        public void stranger(III_Result r) {
            r.r2 = Outcomes.of(fixture.queue, VirtQueue::getInflightThreadUnsafe);
        }

        @Arbiter
        public void end(III_Result r) {
            if (fixture.counted(Counter.LOCK_MISUSE) != misused + 1 || fixture.queue.access_lock.isLocked()) {
                r.r3 = -1;
            }
            fixture.returnRegistered();
        }
    }

    /** {@link VirtQueue#clearQueueThreadUnsafe}: the packet in flight is given back to the owner. */
    @JCStressTest
    @Outcome(id = "1, -1, 1", expect = ACCEPTABLE, desc = "The owner was served, the stranger refused and counted.")
    @Outcome(expect = FORBIDDEN, desc = "The stranger was served, or changed something, or the owner was refused.")
    @State
    public static class ClearIsServedUnderTheCallersOwnLockAlone {
        private final QueueFixture fixture = QueueFixture.registered();
        private final long misused = fixture.counted(Counter.LOCK_MISUSE);

        /** Submits a packet. */
        public ClearIsServedUnderTheCallersOwnLockAlone() {
            fixture.submit(0, 1);
        }

        @Actor
        public void owner(III_Result r) {
            Packet[] out = new Packet[QueueFixture.SIZE];
            r.r1 = Outcomes.underLock(
                    fixture.queue, queue -> r.r3 = queue.clearQueueThreadUnsafe(out, 0, 1, fixture.channel));
        }

        @Actor
        public void stranger(III_Result r) {
            Packet[] out = new Packet[QueueFixture.SIZE];
            r.r2 = Outcomes.of(fixture.queue, queue -> queue.clearQueueThreadUnsafe(out, 0, 1, fixture.channel));
        }

        @Arbiter
        public void end(III_Result r) {
            if (fixture.counted(Counter.LOCK_MISUSE) != misused + 1 || fixture.queue.access_lock.isLocked()) {
                r.r3 = -1;
            }
            r.r3 += fixture.queue.getInflight();
            fixture.returnRegistered();
        }
    }

    /** A lock taken twice and let go once is held; the holds are what they were before. */
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
            fixture.returnRegistered();
        }
    }

    /** Refusals are counted by threads that do not have the lock, and none is lost. */
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
            fixture.returnRegistered();
        }
    }
}
