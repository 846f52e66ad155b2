package io.vhost.queue;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;

/** Completion flags, set by whoever drains the channel and read under the queue's lock. */
public final class CopySlotsStress {
    private CopySlotsStress() {}

    /**
     * Who sees the flag sees the bytes, and the packet is closed once. The flag as a plain store passes on
     * x86, which keeps stores in order; the test guards against a compiler or an edit that moves them. Twins:
     * {@link CopySlotsControl.BytesAreMissingWhenTheFlagIsSetBeforeTheCopy} and
     * {@link CopySlotsControl.BytesMayBeMissingWithAPlainFlag}.
     */
    @JCStressTest
    @Outcome(id = "0, 0, 1", expect = ACCEPTABLE, desc = "Not done yet; found at the end.")
    @Outcome(id = "1, 42, 0", expect = ACCEPTABLE, desc = "Done, with the bytes.")
    @Outcome(expect = FORBIDDEN, desc = "The flag came before the bytes, or was seen twice, or never.")
    @State
    public static class AFlagSetByAnotherPollerIsSeenOnceWithTheBytes {
        private final TwoInFlight copies = new TwoInFlight();

        @Actor
        public void drainer() {
            copies.finish(0);
        }

        @Actor
        public void owner(III_Result r) {
            r.r1 = copies.awaitAndEmpty();
            r.r2 = r.r1 == 0 ? 0 : copies.bytes(0);
        }

        @Arbiter
        public void end(III_Result r) {
            r.r3 = copies.closeAndEmpty();
        }
    }

    /**
     * A packet of two copies has failed when either has, and who sees that it is done sees that. Twin:
     * {@link CopySlotsControl.AFailureIsMissedWhenItIsNotedAfterTheFlag}.
     */
    @JCStressTest
    @Outcome(id = "0", expect = ACCEPTABLE, desc = "All are known to have failed.")
    @Outcome(expect = FORBIDDEN, desc = "Done too early, or the failure was not seen.")
    @State
    public static class AFailureIsSeenWithTheFlag {
        private final FailingPackets packets = new FailingPackets();

        @Actor
        public void drainer() {
            packets.fail();
        }

        @Actor
        public void owner(I_Result r) {
            r.r1 = packets.takeDelivered();
        }
    }

    /**
     * The second packet's copies are done first; the guest still gets the first one's chain first. Twin:
     * {@link CopySlotsControl.AChainOvertakesAnOlderOneInOtherSlots}.
     */
    @JCStressTest
    @Outcome(id = {"-1, -1", "-1, 0", "0, 1"}, expect = ACCEPTABLE,
            desc = "Nothing, or the chains in their order.")
    @Outcome(expect = FORBIDDEN, desc = "A chain overtook an older one, or came twice.")
    @State
    public static class UsedElementsAppearInTheOrderOfSubmission {
        private final TwoInFlight copies = new TwoInFlight();

        @Actor
        public void drainer() {
            copies.finish(1);
            copies.finish(0);
        }

        @Actor
        public void owner(II_Result r) {
            copies.closeAndEmpty();
            r.r1 = copies.guestPoll();
            copies.closeAndEmpty();
            r.r2 = copies.guestPoll();
        }
    }
}
