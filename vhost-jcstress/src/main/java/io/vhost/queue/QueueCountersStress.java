package io.vhost.queue;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import io.vhost.state.QueueCounters.Counter;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.I_Result;
import org.openjdk.jcstress.infra.results.J_Result;

/** Counters, read without a lock. */
public final class QueueCountersStress {
    private static final long BOTH_HALVES = 0x1_0000_0001L;

    private QueueCountersStress() {}

    /**
     * A count is read as it was or as it is. No twin shows the opposite here: a 64-bit processor stores a
     * plain {@code long} in one piece too.
     */
    @JCStressTest
    @Outcome(id = {"0", "4294967297"}, expect = ACCEPTABLE, desc = "Before, or after.")
    @Outcome(expect = FORBIDDEN, desc = "One half of each.")
    @State
    public static class ACountIsNeverTorn {
        private final QueueTally counters = new QueueTally();

        @Actor
        public void holder() {
            counters.add(Counter.BYTES, BOTH_HALVES);
        }

        @Actor
        public void diagnostics(J_Result r) {
            r.r1 = counters.get(Counter.BYTES);
        }
    }

    /**
     * What threads without the lock count, all of them, is counted. Twin:
     * {@link QueueCountersControl.ASharedCountIsLostByTheHoldersAddition}.
     */
    @JCStressTest
    @Outcome(id = "20", expect = ACCEPTABLE, desc = "All of it.")
    @Outcome(expect = FORBIDDEN, desc = "A count was lost.")
    @State
    public static class NoSharedCountIsLost {
        private final QueueTally counters = new QueueTally();

        private void count() {
            for (int i = 0; i < 10; i++) {
                counters.addShared(Counter.BUSY);
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
