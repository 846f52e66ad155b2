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
 * Device side of a split ring against the driver: publication and interrupts.
 *
 * <p>A plain store of the index instead of the release passes on x86, which keeps stores in order; these
 * tests guard against a compiler or an edit that moves them, far enough for the other end to look in between.
 */
public final class SplitRingStress {
    private SplitRingStress() {}

    /**
     * Who sees the device's index sees the used element and the bytes written to the buffer. Twin:
     * {@link SplitRingControl.IndexIsVisibleBeforeUsedElement}.
     */
    @JCStressTest
    @Outcome(id = "-1, 0, 0", expect = ACCEPTABLE, desc = "Nothing is used yet.")
    @Outcome(id = "7, 64, 42", expect = ACCEPTABLE, desc = "The element and the bytes.")
    @Outcome(expect = FORBIDDEN, desc = "The index came before what it publishes.")
    @State
    public static class UsedElementIsVisibleBeforeIndex {
        private final RingPair pair = new RingPair(true, false);

        /** Offers the chain. */
        public UsedElementIsVisibleBeforeIndex() {
            pair.offer(true);
            pair.driver.publish();
        }

        @Actor
        public void device() {
            pair.payload(42);
            pair.use();
        }

        @Actor
        public void driver(III_Result r) {
            Polled.into(r, pair);
        }
    }

    /**
     * The same for chains that were taken before and are given back when their copies are done. Twin:
     * {@link SplitRingControl.IndexIsVisibleBeforeUsedElement}.
     */
    @JCStressTest
    @Outcome(id = "-1, 0, 0", expect = ACCEPTABLE, desc = "Nothing is used yet.")
    @Outcome(id = "7, 64, 42", expect = ACCEPTABLE, desc = "The element and the bytes.")
    @Outcome(expect = FORBIDDEN, desc = "The index came before what it publishes.")
    @State
    public static class UsedElementOfAChainInFlightIsVisibleBeforeIndex {
        private final RingPair pair = new RingPair(true, false);
        private final ChainsInFlight chains = pair.takeOne();

        @Actor
        public void device() {
            pair.payload(42);
            pair.device.publish(chains);
        }

        @Actor
        public void driver(III_Result r) {
            Polled.into(r, pair);
        }
    }

    /**
     * Chains used while the driver goes to sleep are found or interrupted for, with flags. Twin:
     * {@link SplitRingControl.InterruptIsLostWithFlagsWithoutFence}.
     */
    @JCStressTest
    @Outcome(id = "false, false", expect = FORBIDDEN, desc = "Nobody noticed: the driver sleeps on work.")
    @Outcome(id = ".*", expect = ACCEPTABLE, desc = "An interrupt, or found before sleeping, or both.")
    @State
    public static class NoInterruptIsLostWithFlags {
        private final RingPair pair = new RingPair(true, false);
        private final ChainsInFlight chains = pair.takeOne();

        @Actor
        public void device(ZZ_Result r) {
            pair.device.publish(chains);
            r.r1 = pair.device.needsInterrupt();
        }

        @Actor
        public void driver(ZZ_Result r) {
            r.r2 = pair.driver.enableInterrupts();
        }
    }

    /**
     * Chains used while the driver goes to sleep are found or interrupted for, with the event index. Twin:
     * {@link SplitRingControl.InterruptIsLostWithEventIdxWithoutFence}.
     */
    @JCStressTest
    @Outcome(id = "false, false", expect = FORBIDDEN, desc = "Nobody noticed: the driver sleeps on work.")
    @Outcome(id = ".*", expect = ACCEPTABLE, desc = "An interrupt, or found before sleeping, or both.")
    @State
    public static class NoInterruptIsLostWithEventIdx {
        private final RingPair pair = new RingPair(true, true);
        private final ChainsInFlight chains = pair.takeOne();

        @Actor
        public void device(ZZ_Result r) {
            pair.device.publish(chains);
            r.r1 = pair.device.needsInterrupt();
        }

        @Actor
        public void driver(ZZ_Result r) {
            r.r2 = pair.driver.enableInterrupts();
        }
    }
}
