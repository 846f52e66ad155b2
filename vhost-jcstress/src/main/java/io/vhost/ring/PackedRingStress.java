package io.vhost.ring;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.I_Result;
import org.openjdk.jcstress.infra.results.ZZ_Result;

/**
 * Device side of a packed ring against the driver: publication and interrupts. A batch is shown with the
 * flags of its first descriptor, which are stored last.
 *
 * <p>A plain store of the flags instead of the release passes on x86, which keeps stores in order; these
 * tests guard against a compiler or an edit that moves them, far enough for the other end to look in between.
 */
public final class PackedRingStress {
    private PackedRingStress() {}

    /**
     * Who sees the first of two chains used sees the second, and the bytes. Twin:
     * {@link PackedRingControl.HalfABatchIsVisibleWhenFlagsAreStoredInOrder}.
     */
    @JCStressTest
    @Outcome(id = "-1, -1, 0", expect = ACCEPTABLE, desc = "Nothing is used yet.")
    @Outcome(id = "7, 8, 42", expect = ACCEPTABLE, desc = "Both chains and the bytes.")
    @Outcome(expect = FORBIDDEN, desc = "Half the batch, or the chains without the bytes.")
    @State
    public static class ABatchIsVisibleAtOnce {
        private final RingPair pair = new RingPair(RingFormat.PACKED, RingPair.ROOM_FOR_TWO, true, false);

        /** Offers the chains. */
        public ABatchIsVisibleAtOnce() {
            pair.offer(true);
            pair.offerSecond();
            pair.driver.publish();
        }

        @Actor
        public void device() {
            ChainBatch batch = RingPair.batch();
            pair.device.gather(batch, 2);
            batch.written(0, RingPair.LENGTH);
            batch.written(1, RingPair.LENGTH);
            pair.payload(42);
            pair.device.publish(batch);
        }

        @Actor
        public void driver(III_Result r) {
            Polled.twoInto(r, pair);
        }
    }

    /**
     * The same for chains that were taken before and are given back when their copies are done. Twin:
     * {@link PackedRingControl.HalfABatchIsVisibleWhenFlagsAreStoredInOrder}.
     */
    @JCStressTest
    @Outcome(id = "-1, -1, 0", expect = ACCEPTABLE, desc = "Nothing is used yet.")
    @Outcome(id = "7, 8, 42", expect = ACCEPTABLE, desc = "Both chains and the bytes.")
    @Outcome(expect = FORBIDDEN, desc = "Half the batch, or the chains without the bytes.")
    @State
    public static class ABatchOfChainsInFlightIsVisibleAtOnce {
        private final RingPair pair = new RingPair(RingFormat.PACKED, RingPair.ROOM_FOR_TWO, true, false);
        private final ChainsInFlight chains = pair.takeTwo();

        @Actor
        public void device() {
            pair.payload(42);
            pair.device.publish(chains);
        }

        @Actor
        public void driver(III_Result r) {
            Polled.twoInto(r, pair);
        }
    }

    /**
     * The same for a batch that goes on at the ring's beginning, where flags mean the opposite. Twin:
     * {@link PackedRingControl.HalfABatchIsVisibleAcrossTheWrapWhenFlagsAreStoredInOrder}.
     */
    @JCStressTest
    @Outcome(id = "-1, -1, 0", expect = ACCEPTABLE, desc = "Nothing is used yet.")
    @Outcome(id = "7, 8, 42", expect = ACCEPTABLE, desc = "Both chains and the bytes.")
    @Outcome(expect = FORBIDDEN, desc = "Half the batch, or the chains without the bytes.")
    @State
    public static class ABatchAcrossTheWrapIsVisibleAtOnce {
        private final RingPair pair = new RingPair(RingFormat.PACKED, RingPair.FULL_BY_TWO, true, false);
        private final ChainsInFlight chains = pair.takeTwo();

        @Actor
        public void device() {
            pair.payload(42);
            pair.device.publish(chains);
        }

        @Actor
        public void driver(III_Result r) {
            Polled.twoInto(r, pair);
        }
    }

    /**
     * The position for which the device wants kicks and its wrap counter are of one wish. Twin:
     * {@link PackedRingControl.AWishIsTornWhenItsWrapCounterIsStoredAfterIt}.
     */
    @JCStressTest
    @Outcome(id = "32769", expect = ACCEPTABLE, desc = "The last position of the first lap.")
    @Outcome(id = "0", expect = ACCEPTABLE, desc = "The first position of the second lap.")
    @Outcome(expect = FORBIDDEN, desc = "The position of one wish, and the wrap counter of the other.")
    @State
    public static class AWishIsNeverTorn {
        private final RingPair pair = new RingPair(RingFormat.PACKED, RingPair.FULL_BY_TWO, true, true);

        /** A wish for the last position, and a chain there that the device has taken. */
        public AWishIsNeverTorn() {
            pair.device.enableKicks();
            pair.takeOne();
        }

        @Actor
        public void device() {
            pair.device.enableKicks();
        }

        @Actor
        public void driver(I_Result r) {
            r.r1 = RingPair.wish(pair.used);
        }
    }

    /**
     * Chains used while the driver goes to sleep are found or interrupted for, with flags. Twin:
     * {@link PackedRingControl.InterruptIsLostWithFlagsWithoutFence}.
     */
    @JCStressTest
    @Outcome(id = "false, false", expect = FORBIDDEN, desc = "Nobody noticed: the driver sleeps on work.")
    @Outcome(id = ".*", expect = ACCEPTABLE, desc = "An interrupt, or found before sleeping, or both.")
    @State
    public static class NoInterruptIsLostWithFlags {
        private final RingPair pair = new RingPair(RingFormat.PACKED, RingPair.FULL_BY_TWO, true, false);
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
     * Chains used while the driver goes to sleep are found or interrupted for, with a descriptor event. Twin:
     * {@link PackedRingControl.InterruptIsLostWithDescriptorEventWithoutFence}.
     */
    @JCStressTest
    @Outcome(id = "false, false", expect = FORBIDDEN, desc = "Nobody noticed: the driver sleeps on work.")
    @Outcome(id = ".*", expect = ACCEPTABLE, desc = "An interrupt, or found before sleeping, or both.")
    @State
    public static class NoInterruptIsLostWithDescriptorEvent {
        private final RingPair pair = new RingPair(RingFormat.PACKED, RingPair.FULL_BY_TWO, true, true);
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
