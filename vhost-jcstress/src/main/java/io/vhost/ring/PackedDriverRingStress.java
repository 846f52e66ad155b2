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
 * Driver side of a packed ring against the device: publication and kicks. What is offered is shown with the
 * flags of its first descriptor, which are stored last.
 *
 * <p>A plain store of the flags instead of the release passes on x86, which keeps stores in order; these
 * tests guard against a compiler or an edit that moves them, far enough for the other end to look in between.
 * That the device finds both chains of a batch is a matter of x86, too, which keeps loads in order.
 */
public final class PackedDriverRingStress {
    private PackedDriverRingStress() {}

    /**
     * Who sees the first of two chains sees the second, and the bytes. Twin:
     * {@link PackedDriverRingControl.HalfABatchIsVisibleWhenFlagsAreStoredInOrder}.
     */
    @JCStressTest
    @Outcome(id = "0, 0, 0", expect = ACCEPTABLE, desc = "Nothing is offered yet.")
    @Outcome(id = "2, 192, 42", expect = ACCEPTABLE, desc = "Both chains and the bytes.")
    @Outcome(expect = FORBIDDEN, desc = "Half the batch, or the chains without the bytes.")
    @State
    public static class ABatchIsVisibleAtOnce {
        private final RingPair pair = new RingPair(RingFormat.PACKED, RingPair.ROOM_FOR_TWO, false, false);

        @Actor
        public void driver() {
            pair.payload(42);
            pair.offer(false);
            pair.offerSecond();
            pair.driver.publish();
        }

        @Actor
        public void device(III_Result r) {
            Gathered.twoInto(r, pair);
        }
    }

    /**
     * The same for a batch that goes on at the ring's beginning, where flags mean the opposite. Twin:
     * {@link PackedDriverRingControl.HalfABatchIsVisibleAcrossTheWrapWhenFlagsAreStoredInOrder}.
     */
    @JCStressTest
    @Outcome(id = "0, 0, 0", expect = ACCEPTABLE, desc = "Nothing is offered yet.")
    @Outcome(id = "2, 192, 42", expect = ACCEPTABLE, desc = "Both chains and the bytes.")
    @Outcome(expect = FORBIDDEN, desc = "Half the batch, or the chains without the bytes.")
    @State
    public static class ABatchAcrossTheWrapIsVisibleAtOnce {
        private final RingPair pair = new RingPair(RingFormat.PACKED, RingPair.FULL_BY_TWO, false, false);

        @Actor
        public void driver() {
            pair.payload(42);
            pair.offer(false);
            pair.offerSecond();
            pair.driver.publish();
        }

        @Actor
        public void device(III_Result r) {
            Gathered.twoInto(r, pair);
        }
    }

    /**
     * Who sees the first descriptor of a chain sees the others, whose flags nobody looks at. Twin:
     * {@link PackedDriverRingControl.AChainIsVisibleBeforeItsSecondDescriptor}.
     */
    @JCStressTest
    @Outcome(id = "0, 0, 0", expect = ACCEPTABLE, desc = "Nothing is offered yet.")
    @Outcome(id = "1, 192, 42", expect = ACCEPTABLE, desc = "The whole chain and the bytes.")
    @Outcome(expect = FORBIDDEN, desc = "The second descriptor is another's, or the bytes are missing.")
    @State
    public static class AChainIsVisibleAtOnce {
        private final RingPair pair = new RingPair(RingFormat.PACKED, RingPair.ROOM_FOR_TWO, false, false);

        @Actor
        public void driver() {
            pair.payload(42);
            pair.offerBothAsOne();
            pair.driver.publish();
        }

        @Actor
        public void device(III_Result r) {
            Gathered.twoInto(r, pair);
        }
    }

    /**
     * The position for which the driver wants interrupts and its wrap counter are of one wish. Twin:
     * {@link PackedDriverRingControl.AWishIsTornWhenItsWrapCounterIsStoredAfterIt}.
     */
    @JCStressTest
    @Outcome(id = "32769", expect = ACCEPTABLE, desc = "The last position of the first lap.")
    @Outcome(id = "0", expect = ACCEPTABLE, desc = "The first position of the second lap.")
    @Outcome(expect = FORBIDDEN, desc = "The position of one wish, and the wrap counter of the other.")
    @State
    public static class AWishIsNeverTorn {
        private final RingPair pair = new RingPair(RingFormat.PACKED, RingPair.FULL_BY_TWO, true, true);

        /** A wish for the last position, and a chain there that the driver has back. */
        public AWishIsNeverTorn() {
            pair.driver.enableInterrupts();
            pair.offer(true);
            pair.driver.publish();
            pair.use();
            pair.driver.poll();
        }

        @Actor
        public void driver() {
            pair.driver.enableInterrupts();
        }

        @Actor
        public void device(I_Result r) {
            r.r1 = RingPair.wish(pair.avail);
        }
    }

    /**
     * Chains offered while the device goes to sleep are found or kicked for, with flags. Twin:
     * {@link PackedDriverRingControl.KickIsLostWithFlagsWithoutFence}.
     */
    @JCStressTest
    @Outcome(id = "false, false", expect = FORBIDDEN, desc = "Nobody noticed: the device sleeps on work.")
    @Outcome(id = ".*", expect = ACCEPTABLE, desc = "A kick, or found before sleeping, or both.")
    @State
    public static class NoKickIsLostWithFlags {
        private final RingPair pair = new RingPair(RingFormat.PACKED, RingPair.FULL_BY_TWO, false, false);

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
     * Chains offered while the device goes to sleep are found or kicked for, with a descriptor event. Twin:
     * {@link PackedDriverRingControl.KickIsLostWithDescriptorEventWithoutFence}.
     */
    @JCStressTest
    @Outcome(id = "false, false", expect = FORBIDDEN, desc = "Nobody noticed: the device sleeps on work.")
    @Outcome(id = ".*", expect = ACCEPTABLE, desc = "A kick, or found before sleeping, or both.")
    @State
    public static class NoKickIsLostWithDescriptorEvent {
        private final RingPair pair = new RingPair(RingFormat.PACKED, RingPair.FULL_BY_TWO, false, true);

        /** Prepares the chain, so that both actors begin with the store that matters. */
        public NoKickIsLostWithDescriptorEvent() {
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
