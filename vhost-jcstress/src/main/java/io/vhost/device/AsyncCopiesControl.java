package io.vhost.device;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE_INTERESTING;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/** Broken twins of the slots in flight: what {@link AsyncCopiesStress} would see. */
public final class AsyncCopiesControl {
    private AsyncCopiesControl() {}

    /** The flag is stored before the bytes. COUNT_FLAG */
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
            r.r1 = copies.closeAndEmpty();
            r.r2 = r.r1 == 0 ? 0 : copies.bytes(0);
        }
    }

    /** Bytes and flag are plain stores, the flag first read. COUNT_PLAIN */
    @JCStressTest
    @Outcome(id = {"0, 0", "1, 42", "0, 42"}, expect = ACCEPTABLE, desc = "Not done yet, or done with the bytes.")
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

    /** Slots are closed as they are done, whatever their place. COUNT_ORDER */
    @JCStressTest
    @Outcome(id = {"-1, -1", "-1, 0", "0, 1"}, expect = ACCEPTABLE, desc = "Nothing, or the chains in their order.")
    @Outcome(expect = ACCEPTABLE_INTERESTING, desc = "A chain overtook an older one.")
    @State
    public static class AChainOvertakesAnOlderOneWhenHolesAreSkipped {
        private volatile boolean firstDone;
        private volatile boolean secondDone;

        @Actor
        public void drainer() {
            secondDone = true;
            firstDone = true;
        }

        @Actor
        public void owner(II_Result r) {
            r.r1 = firstDone ? 0 : secondDone ? 1 : -1;
            r.r2 = r.r1 == 1 ? 0 : secondDone && r.r1 == 0 ? 1 : firstDone ? 0 : -1;
        }
    }
}
