package io.vhost.queue;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE_INTERESTING;

import io.vhost.Pause;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;

/** Broken twins of the slots in flight: what {@link CopySlotsStress} would see. */
public final class CopySlotsControl {
    private CopySlotsControl() {}

    /** The flag is stored before the bytes. Seen 371 times in 50,486. */
    @JCStressTest
    @Outcome(id = {"0, 0", "1, 42"}, expect = ACCEPTABLE, desc = "Not done yet, or done with the bytes.")
    @Outcome(id = "1, 0", expect = ACCEPTABLE_INTERESTING, desc = "Done without the bytes.")
    @State
    public static class BytesAreMissingWhenTheFlagIsSetBeforeTheCopy {
        private final TwoInFlight copies = new TwoInFlight();

        @Actor
        public void drainer() {
            copies.finishBeforeCopy(0);
        }

        @Actor
        public void owner(II_Result r) {
            r.r1 = copies.awaitAndEmpty();
            r.r2 = r.r1 == 0 ? 0 : copies.bytes(0);
        }
    }

    /**
     * Bytes and flag are plain, so that the compiler may move them; the processor does not. A model, since
     * the library has no such flag.
     * Seen 911 times in 1,610,806.
     */
    @JCStressTest
    @Outcome(id = {"0, 0", "1, 42", "0, 42"}, expect = ACCEPTABLE,
            desc = "Not done yet, or done with the bytes.")
    @Outcome(id = "1, 0", expect = ACCEPTABLE_INTERESTING, desc = "Done without the bytes.")
    @State
    public static class BytesMayBeMissingWithAPlainFlag {
        private int bytes;
        private byte flag;

        @Actor
        public void drainer() {
            bytes = 42;
            flag = 1;
        }

        @Actor
        public void owner(II_Result r) {
            r.r1 = flag;
            r.r2 = bytes;
        }
    }

    /** A failure that is noted when the copies are counted as done. Seen 6 times in 46,646. */
    @JCStressTest
    @Outcome(id = "0", expect = ACCEPTABLE, desc = "All are known to have failed.")
    @Outcome(expect = ACCEPTABLE_INTERESTING, desc = "A failure was not seen.")
    @State
    public static class AFailureIsMissedWhenItIsNotedAfterTheFlag {
        private final FailingPackets packets = new FailingPackets();

        @Actor
        public void drainer() {
            packets.failAfterwards();
        }

        @Actor
        public void owner(I_Result r) {
            r.r1 = packets.takeDelivered();
        }
    }

    /** Each packet in slots of its own, which keep no order between them. Seen 535 times in 31,866. */
    @JCStressTest
    @Outcome(id = {"-1, -1", "-1, 0", "0, 1"}, expect = ACCEPTABLE,
            desc = "Nothing, or the chains in their order.")
    @Outcome(expect = ACCEPTABLE_INTERESTING, desc = "A chain overtook an older one.")
    @State
    public static class AChainOvertakesAnOlderOneInOtherSlots {
        private final TwoInFlight copies = TwoInFlight.apart();

        @Actor
        public void drainer() {
            copies.finish(1);
            Pause.linger();
            copies.finish(0);
        }

        @Actor
        public void owner(II_Result r) {
            copies.awaitAndEmpty();
            r.r1 = copies.guestPoll();
            copies.closeAndEmpty();
            r.r2 = copies.guestPoll();
        }
    }
}
