package io.vhost.ring;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE_INTERESTING;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.ZZ_Result;

/** Broken twins of the driver side: what {@link SplitDriverRingStress} would see. */
public final class SplitDriverRingControl {
    private SplitDriverRingControl() {}

    /** The index first. Seen 398 times in 55,606. */
    @JCStressTest
    @Outcome(id = {"0, 0, 0", "1, 128, 42"}, expect = ACCEPTABLE, desc = "Nothing, or all of it.")
    @Outcome(expect = ACCEPTABLE_INTERESTING, desc = "The index came before what it publishes.")
    @State
    public static class IndexIsVisibleBeforeEntry {
        private final RingPair pair = new RingPair(false, false);

        @Actor
        public void driver() {
            SplitLayout.availIdxRelease(RingPair.MEMORY, pair.avail, 2);
            RingPair.linger();
            pair.payload(42);
            pair.offer(false);
        }

        @Actor
        public void device(III_Result r) {
            Gathered.into(r, pair);
        }
    }

    /** No fence between index and wish, on either side. Seen 4,136 times in 68,406. */
    @JCStressTest
    @Outcome(id = "false, false", expect = ACCEPTABLE_INTERESTING, desc = "The device sleeps on work.")
    @Outcome(id = ".*", expect = ACCEPTABLE, desc = "Noticed.")
    @State
    public static class KickIsLostWithFlagsWithoutFence {
        private final RingPair pair = new RingPair(false, false);

        @Actor
        public void driver(ZZ_Result r) {
            SplitLayout.availIdxRelease(RingPair.MEMORY, pair.avail, 2);
            r.r1 = (SplitLayout.usedFlags(RingPair.MEMORY, pair.used) & SplitLayout.USED_F_NO_NOTIFY) == 0;
        }

        @Actor
        public void device(ZZ_Result r) {
            SplitLayout.usedFlags(RingPair.MEMORY, pair.used, 0);
            r.r2 = SplitLayout.availIdxAcquire(RingPair.MEMORY, pair.avail) == 2;
        }
    }

    /** No fence between index and wish, on either side. Seen 7,864 times in 82,486. */
    @JCStressTest
    @Outcome(id = "false, false", expect = ACCEPTABLE_INTERESTING, desc = "The device sleeps on work.")
    @Outcome(id = ".*", expect = ACCEPTABLE, desc = "Noticed.")
    @State
    public static class KickIsLostWithEventIdxWithoutFence {
        private final RingPair pair = new RingPair(false, true);

        @Actor
        public void driver(ZZ_Result r) {
            SplitLayout.availIdxRelease(RingPair.MEMORY, pair.avail, 2);
            r.r1 = SplitLayout.passed(SplitLayout.availEvent(RingPair.MEMORY, pair.used, pair.size),
                    1, 2);
        }

        @Actor
        public void device(ZZ_Result r) {
            SplitLayout.availEvent(RingPair.MEMORY, pair.used, pair.size, 1);
            r.r2 = SplitLayout.availIdxAcquire(RingPair.MEMORY, pair.avail) == 2;
        }
    }
}
