package io.vhost.device;

import io.vhost.Pause;
import io.vhost.state.QueueCounters.Counter;
import org.openjdk.jcstress.infra.results.III_Result;

/** Two threads that make the same call: the owner under the queue's lock, the stranger without it. */
final class LockContest {
    /** The lock's rule was kept. */
    private static final int SOUND = 1;

    private final QueueFixture fixture;
    private final Outcomes.Call call;
    private final int before;
    private final int after;
    private final long misused;
    private boolean disturbed;
    private volatile boolean strangerHasCalled;

    /** {@code after} is the {@link QueueFixture#inFlight} that the owner's call leaves. */
    LockContest(QueueFixture fixture, Outcomes.Call call, int after) {
        this.fixture = fixture;
        this.call = call;
        this.before = fixture.inFlight();
        this.after = after;
        this.misused = fixture.counted(Counter.LOCK_MISUSE);
    }

    void owner(III_Result r) {
        fixture.queue.access_lock.lock();
        try {
            disturbed = fixture.inFlight() != before;
            r.r1 = Outcomes.of(fixture.queue, call);
            // A refusal takes much longer than what the owner does.
            Pause.spinUntil(() -> strangerHasCalled);
        } finally {
            fixture.queue.access_lock.unlock();
        }
    }

    void stranger(III_Result r) {
        r.r2 = Outcomes.of(fixture.queue, call);
        strangerHasCalled = true;
    }

    void end(III_Result r) {
        boolean counted = fixture.counted(Counter.LOCK_MISUSE) == misused + 1;
        boolean free = !fixture.queue.access_lock.isLocked();
        r.r3 = !disturbed && counted && free && fixture.inFlight() == after ? SOUND : -1;
        fixture.giveBack();
    }
}
