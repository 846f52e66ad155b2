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

/** Broken twins of the driver side: what {@link PackedDriverRingStress} would see. */
public final class PackedDriverRingControl {
    private PackedDriverRingControl() {}

    /** Each chain is shown as it is written, and the bytes come in between. Seen 79 times in 45,366. */
    @JCStressTest
    @Outcome(id = {"0, 0, 0", "2, 192, 42"}, expect = ACCEPTABLE, desc = "Nothing, or all of it.")
    @Outcome(expect = ACCEPTABLE_INTERESTING, desc = "Half the batch, or the chains without the bytes.")
    @State
    public static class HalfABatchIsVisibleWhenFlagsAreStoredInOrder {
        private final RingPair pair = new RingPair(RingFormat.PACKED, RingPair.ROOM_FOR_TWO, false, false);

        @Actor
        public void driver() {
            pair.offer(false);
            pair.driver.publish();
            RingPair.linger();
            pair.payload(42);
            pair.offerSecond();
            pair.driver.publish();
        }

        @Actor
        public void device(III_Result r) {
            Gathered.twoInto(r, pair);
        }
    }

    /**
     * Each chain is shown as it is written, on either lap, and the bytes come in between.
     * Seen 6 times in 45,366.
     */
    @JCStressTest
    @Outcome(id = {"0, 0, 0", "2, 192, 42"}, expect = ACCEPTABLE, desc = "Nothing, or all of it.")
    @Outcome(expect = ACCEPTABLE_INTERESTING, desc = "Half the batch, or the chains without the bytes.")
    @State
    public static class HalfABatchIsVisibleAcrossTheWrapWhenFlagsAreStoredInOrder {
        private final RingPair pair = new RingPair(RingFormat.PACKED, RingPair.FULL_BY_TWO, false, false);

        @Actor
        public void driver() {
            pair.offer(false);
            pair.driver.publish();
            RingPair.linger();
            pair.payload(42);
            pair.offerSecond();
            pair.driver.publish();
        }

        @Actor
        public void device(III_Result r) {
            Gathered.twoInto(r, pair);
        }
    }

    /** The flags of the first descriptor are stored before the second. Seen 15 times in 46,646. */
    @JCStressTest
    @Outcome(id = {"0, 0, 0", "1, 192, 42"}, expect = ACCEPTABLE, desc = "Nothing, or all of it.")
    @Outcome(expect = ACCEPTABLE_INTERESTING, desc = "A chain of a descriptor that is none.")
    @State
    public static class AChainIsVisibleBeforeItsSecondDescriptor {
        private static final int AVAILABLE = PackedLayout.availFlags(true);

        private final RingPair pair = new RingPair(RingFormat.PACKED, RingPair.ROOM_FOR_TWO, false, false);

        private void put(int position, long buffer, int flags) {
            long entry = pair.desc + (long) Descriptors.DESC_SIZE * position;
            long word = PackedLayout.word(RingPair.LENGTH, 0, flags);
            Descriptors.address(RingPair.MEMORY, entry, RingPair.GUEST + pair.base + buffer);
            PackedLayout.descWordRelease(RingPair.MEMORY, entry, word);
        }

        @Actor
        public void driver() {
            put(1, RingPair.BUFFER, AVAILABLE | Descriptors.DESC_F_NEXT);
            RingPair.linger();
            pair.payload(42);
            put(2, RingPair.BUFFER + RingPair.LENGTH, AVAILABLE);
        }

        @Actor
        public void device(III_Result r) {
            Gathered.twoInto(r, pair);
        }
    }

    /** The wrap counter of the wish is stored after its position. Seen 13 to 28 times in 50,000. */
    @JCStressTest
    @Outcome(id = {"32769", "0"}, expect = ACCEPTABLE, desc = "One wish or the other.")
    @Outcome(expect = ACCEPTABLE_INTERESTING, desc = "The position of one, the wrap counter of the other.")
    @State
    public static class AWishIsTornWhenItsWrapCounterIsStoredAfterIt {
        private final RingPair pair = new RingPair(RingFormat.PACKED, RingPair.FULL_BY_TWO, true, true);

        /** A wish for the last position. */
        public AWishIsTornWhenItsWrapCounterIsStoredAfterIt() {
            pair.driver.enableInterrupts();
        }

        @Actor
        public void driver() {
            RingPair.storeTornWish(pair.avail);
        }

        @Actor
        public void device(I_Result r) {
            r.r1 = RingPair.wish(pair.avail);
        }
    }

    /** No fence between descriptor and wish, on either side. Seen 278 times in 54,326. */
    @JCStressTest
    @Outcome(id = "false, false", expect = ACCEPTABLE_INTERESTING, desc = "The device sleeps on work.")
    @Outcome(id = ".*", expect = ACCEPTABLE, desc = "Noticed.")
    @State
    public static class KickIsLostWithFlagsWithoutFence {
        private final Unfenced ends = new Unfenced(false, false);

        @Actor
        public void driver(ZZ_Result r) {
            ends.offer();
            r.r1 = ends.isWanted(ends.pair.used);
        }

        @Actor
        public void device(ZZ_Result r) {
            ends.want(ends.pair.used);
            r.r2 = ends.isAvailable();
        }
    }

    /** No fence between descriptor and wish, on either side. Seen 1,071 times in 50,486. */
    @JCStressTest
    @Outcome(id = "false, false", expect = ACCEPTABLE_INTERESTING, desc = "The device sleeps on work.")
    @Outcome(id = ".*", expect = ACCEPTABLE, desc = "Noticed.")
    @State
    public static class KickIsLostWithDescriptorEventWithoutFence {
        private final Unfenced ends = new Unfenced(false, true);

        @Actor
        public void driver(ZZ_Result r) {
            ends.offer();
            r.r1 = ends.isWanted(ends.pair.used);
        }

        @Actor
        public void device(ZZ_Result r) {
            ends.want(ends.pair.used);
            r.r2 = ends.isAvailable();
        }
    }
}
