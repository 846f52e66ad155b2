package io.vhost.dma;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE_INTERESTING;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/** Broken twins of the channel: what {@link DmaChannelStress} would see. */
public final class DmaChannelControl {
    private DmaChannelControl() {}

    /** Two pollers ask the engine itself, without the channel's lock. Seen 82,066 times in 170,806. */
    @JCStressTest
    @Outcome(id = {"2, 0", "0, 2", "1, 1"}, expect = ACCEPTABLE, desc = "Each copy reported once.")
    @Outcome(expect = ACCEPTABLE_INTERESTING,
            desc = "A completion was reported twice, or lost, or the engine broke.")
    @State
    public static class ACopyIsReportedTwiceWithoutLock {
        private final HeldEngine engine = new TwoCopies().engine;

        private int drain() {
            try {
                return engine.completed(new int[4], 0, 4);
            } catch (RuntimeException e) {
                return -1;
            }
        }

        @Actor
        public void one(II_Result r) {
            r.r1 = drain();
        }

        @Actor
        public void other(II_Result r) {
            r.r2 = drain();
        }
    }
}
