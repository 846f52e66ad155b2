package io.vhost.ring;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE_INTERESTING;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.ZZ_Result;

/** Broken twins of the device side: what {@link SplitRingStress} would see. */
public final class SplitRingControl {
    private SplitRingControl() {}

    /** The index first. Seen 31,122 times in 142,646. */
    @JCStressTest
    @Outcome(id = {"-1, 0, 0", "7, 64, 42"}, expect = ACCEPTABLE, desc = "Nothing, or all of it.")
    @Outcome(expect = ACCEPTABLE_INTERESTING, desc = "The index came before what it publishes.")
    @State
    public static class IndexIsVisibleBeforeUsedElement {
        private final RingPair pair = new RingPair(true, false);

        /** Offers the chain. */
        public IndexIsVisibleBeforeUsedElement() {
            pair.offer(true);
            pair.driver.publish();
        }

        @Actor
        public void device() {
            SplitLayout.usedIdxRelease(RingPair.MEMORY, pair.used, 2);
            RingPair.linger();
            pair.payload(42);
            pair.use();
        }

        @Actor
        public void driver(III_Result r) {
            Polled.into(r, pair);
        }
    }

    /** No fence between index and wish, on either side. Seen 1,551 times in 49,206. */
    @JCStressTest
    @Outcome(id = "false, false", expect = ACCEPTABLE_INTERESTING, desc = "The driver sleeps on work.")
    @Outcome(id = ".*", expect = ACCEPTABLE, desc = "Noticed.")
    @State
    public static class InterruptIsLostWithFlagsWithoutFence {
        private final RingPair pair = new RingPair(true, false);

        @Actor
        public void device(ZZ_Result r) {
            SplitLayout.usedIdxRelease(RingPair.MEMORY, pair.used, 2);
            r.r1 = (SplitLayout.availFlags(RingPair.MEMORY, pair.avail)
                    & SplitLayout.AVAIL_F_NO_INTERRUPT) == 0;
        }

        @Actor
        public void driver(ZZ_Result r) {
            SplitLayout.availFlags(RingPair.MEMORY, pair.avail, 0);
            r.r2 = SplitLayout.usedIdxAcquire(RingPair.MEMORY, pair.used) == 2;
        }
    }

    /** No fence between index and wish, on either side. Seen 7,994 times in 74,806. */
    @JCStressTest
    @Outcome(id = "false, false", expect = ACCEPTABLE_INTERESTING, desc = "The driver sleeps on work.")
    @Outcome(id = ".*", expect = ACCEPTABLE, desc = "Noticed.")
    @State
    public static class InterruptIsLostWithEventIdxWithoutFence {
        private final RingPair pair = new RingPair(true, true);

        @Actor
        public void device(ZZ_Result r) {
            SplitLayout.usedIdxRelease(RingPair.MEMORY, pair.used, 2);
            r.r1 = SplitLayout.passed(SplitLayout.usedEvent(RingPair.MEMORY, pair.avail, pair.size),
                    1, 2);
        }

        @Actor
        public void driver(ZZ_Result r) {
            SplitLayout.usedEvent(RingPair.MEMORY, pair.avail, pair.size, 1);
            r.r2 = SplitLayout.usedIdxAcquire(RingPair.MEMORY, pair.used) == 2;
        }
    }
}
