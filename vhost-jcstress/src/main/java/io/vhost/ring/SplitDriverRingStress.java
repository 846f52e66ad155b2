package io.vhost.ring;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.ZZ_Result;

/**
 * Driver side of a split ring against the device: publication and kicks.
 *
 * <p>A plain store of the index instead of the release passes on x86, which keeps stores in order; these
 * tests guard against a compiler or an edit that moves them, far enough for the other end to look in between.
 */
public final class SplitDriverRingStress {
    private SplitDriverRingStress() {}

    /**
     * Who sees the driver's index sees the ring entry, the descriptor and the buffer's bytes. Twin:
     * {@link SplitDriverRingControl.IndexIsVisibleBeforeEntry}.
     */
    @JCStressTest
    @Outcome(id = "0, 0, 0", expect = ACCEPTABLE, desc = "Nothing is offered yet.")
    @Outcome(id = "1, 128, 42", expect = ACCEPTABLE, desc = "The chain and its bytes.")
    @Outcome(expect = FORBIDDEN, desc = "The index came before what it publishes.")
    @State
    public static class EntryIsVisibleBeforeIndex {
        private final RingPair pair = new RingPair(false, false);

        @Actor
        public void driver() {
            pair.payload(42);
            pair.offer(false);
            pair.driver.publish();
        }

        @Actor
        public void device(III_Result r) {
            Gathered.into(r, pair);
        }
    }

    /**
     * Chains offered while the device goes to sleep are found or kicked for, with flags. Twin:
     * {@link SplitDriverRingControl.KickIsLostWithFlagsWithoutFence}.
     */
    @JCStressTest
    @Outcome(id = "false, false", expect = FORBIDDEN, desc = "Nobody noticed: the device sleeps on work.")
    @Outcome(id = ".*", expect = ACCEPTABLE, desc = "A kick, or found before sleeping, or both.")
    @State
    public static class NoKickIsLostWithFlags {
        private final RingPair pair = new RingPair(false, false);

        /** Prepares the chain, so that both actors begin with the store that matters. */
        public NoKickIsLostWithFlags() {
            pair.offer(false);
        }

        @Actor
        public void driver(ZZ_Result r) {
            pair.driver.publish();
            r.r1 = pair.driver.needsKick();
        }

        @Actor
        public void device(ZZ_Result r) {
            r.r2 = pair.device.enableKicks();
        }
    }

    /**
     * Chains offered while the device goes to sleep are found or kicked for, with the event index. Twin:
     * {@link SplitDriverRingControl.KickIsLostWithEventIdxWithoutFence}.
     */
    @JCStressTest
    @Outcome(id = "false, false", expect = FORBIDDEN, desc = "Nobody noticed: the device sleeps on work.")
    @Outcome(id = ".*", expect = ACCEPTABLE, desc = "A kick, or found before sleeping, or both.")
    @State
    public static class NoKickIsLostWithEventIdx {
        private final RingPair pair = new RingPair(false, true);

        /** Prepares the chain, so that both actors begin with the store that matters. */
        public NoKickIsLostWithEventIdx() {
            pair.offer(false);
        }

        @Actor
        public void driver(ZZ_Result r) {
            pair.driver.publish();
            r.r1 = pair.driver.needsKick();
        }

        @Actor
        public void device(ZZ_Result r) {
            r.r2 = pair.device.enableKicks();
        }
    }
}
