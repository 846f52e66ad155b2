package io.vhost.ring;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE_INTERESTING;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.I_Result;
import org.openjdk.jcstress.infra.results.ZZ_Result;

/** Broken twins of the device side: what {@link PackedRingStress} would see. */
public final class PackedRingControl {
    private PackedRingControl() {}

    /** Each chain is shown as it is written, and the bytes come in between. Seen 67 times in 45,366. */
    @JCStressTest
    @Outcome(id = {"-1, -1, 0", "7, 8, 42"}, expect = ACCEPTABLE, desc = "Nothing, or all of it.")
    @Outcome(expect = ACCEPTABLE_INTERESTING, desc = "Half the batch, or the chains without the bytes.")
    @State
    public static class HalfABatchIsVisibleWhenFlagsAreStoredInOrder {
        private final RingPair pair = new RingPair(RingFormat.PACKED, RingPair.ROOM_FOR_TWO, true, false);

        /** Offers the chains. */
        public HalfABatchIsVisibleWhenFlagsAreStoredInOrder() {
            pair.offer(true);
            pair.offerSecond();
            pair.driver.publish();
        }

        @Actor
        public void device() {
            pair.use();
            RingPair.linger();
            pair.payload(42);
            pair.use();
        }

        @Actor
        public void driver(III_Result r) {
            Polled.twoInto(r, pair);
        }
    }

    /**
     * Each chain is shown as it is written, on either lap, and the bytes come in between.
     * Seen 31 times in 22,212.
     */
    @JCStressTest
    @Outcome(id = {"-1, -1, 0", "7, 8, 42"}, expect = ACCEPTABLE, desc = "Nothing, or all of it.")
    @Outcome(expect = ACCEPTABLE_INTERESTING, desc = "Half the batch, or the chains without the bytes.")
    @State
    public static class HalfABatchIsVisibleAcrossTheWrapWhenFlagsAreStoredInOrder {
        private final RingPair pair = new RingPair(RingFormat.PACKED, RingPair.FULL_BY_TWO, true, false);

        /** Offers the chains. */
        public HalfABatchIsVisibleAcrossTheWrapWhenFlagsAreStoredInOrder() {
            pair.offer(true);
            pair.offerSecond();
            pair.driver.publish();
        }

        @Actor
        public void device() {
            pair.use();
            RingPair.linger();
            pair.payload(42);
            pair.use();
        }

        @Actor
        public void driver(III_Result r) {
            Polled.twoInto(r, pair);
        }
    }

    /** The wrap counter of the wish is stored after its position. Seen 28 times in 24,920. */
    @JCStressTest
    @Outcome(id = {"32769", "0"}, expect = ACCEPTABLE, desc = "One wish or the other.")
    @Outcome(expect = ACCEPTABLE_INTERESTING, desc = "The position of one, the wrap counter of the other.")
    @State
    public static class AWishIsTornWhenItsWrapCounterIsStoredAfterIt {
        private final RingPair pair = new RingPair(RingFormat.PACKED, RingPair.FULL_BY_TWO, true, true);

        /** A wish for the last position. */
        public AWishIsTornWhenItsWrapCounterIsStoredAfterIt() {
            pair.device.enableKicks();
        }

        @Actor
        public void device() {
            RingPair.storeTornWish(pair.used);
        }

        @Actor
        public void driver(I_Result r) {
            r.r1 = RingPair.wish(pair.used);
        }
    }

    /** No fence between descriptor and wish, on either side. Seen 790 times in 47,926. */
    @JCStressTest
    @Outcome(id = "false, false", expect = ACCEPTABLE_INTERESTING, desc = "The driver sleeps on work.")
    @Outcome(id = ".*", expect = ACCEPTABLE, desc = "Noticed.")
    @State
    public static class InterruptIsLostWithFlagsWithoutFence {
        private final Unfenced ends = new Unfenced(true, false);

        @Actor
        public void device(ZZ_Result r) {
            ends.use();
            r.r1 = ends.isWanted(ends.pair.avail);
        }

        @Actor
        public void driver(ZZ_Result r) {
            ends.want(ends.pair.avail);
            r.r2 = ends.isUsed();
        }
    }

    /** No fence between descriptor and wish, on either side. Seen 1,365 times in 49,206. */
    @JCStressTest
    @Outcome(id = "false, false", expect = ACCEPTABLE_INTERESTING, desc = "The driver sleeps on work.")
    @Outcome(id = ".*", expect = ACCEPTABLE, desc = "Noticed.")
    @State
    public static class InterruptIsLostWithDescriptorEventWithoutFence {
        private final Unfenced ends = new Unfenced(true, true);

        @Actor
        public void device(ZZ_Result r) {
            ends.use();
            r.r1 = ends.isWanted(ends.pair.avail);
        }

        @Actor
        public void driver(ZZ_Result r) {
            ends.want(ends.pair.avail);
            r.r2 = ends.isUsed();
        }
    }
}
