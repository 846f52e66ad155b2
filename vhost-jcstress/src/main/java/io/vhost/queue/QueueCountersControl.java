package io.vhost.queue;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE_INTERESTING;

import io.vhost.state.QueueCounters.Counter;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.I_Result;

/** A broken twin of the counters: what {@link QueueCountersStress} would see. */
public final class QueueCountersControl {
    private QueueCountersControl() {}

    /** The addition that is for the lock's holder, made by two threads. Seen 10,356 times in 383,286. */
    @JCStressTest
    @Outcome(id = "20", expect = ACCEPTABLE, desc = "All of it.")
    @Outcome(expect = ACCEPTABLE_INTERESTING, desc = "A count was lost.")
    @State
    public static class ASharedCountIsLostByTheHoldersAddition {
        private final QueueTally counters = new QueueTally();

        private void count() {
            for (int i = 0; i < 10; i++) {
                counters.add(Counter.BUSY, 1);
            }
        }

        @Actor
        public void one() {
            count();
        }

        @Actor
        public void other() {
            count();
        }

        @Arbiter
        public void end(I_Result r) {
            r.r1 = (int) counters.get(Counter.BUSY);
        }
    }
}
