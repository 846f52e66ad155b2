package io.vhost.device;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE_INTERESTING;

import java.util.concurrent.atomic.AtomicIntegerArray;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;

/** Broken twins of the slots in flight: what {@link AsyncCopiesStress} would see. */
public final class AsyncCopiesControl {
    private AsyncCopiesControl() {}

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
     * Bytes and flag are plain, so that the compiler may move them; the processor does not.
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

    /** The flag is stored with release, and the failure after it. Seen 7,933 times in 73,526. */
    @JCStressTest
    @Outcome(id = "0", expect = ACCEPTABLE, desc = "All are known to have failed.")
    @Outcome(expect = ACCEPTABLE_INTERESTING, desc = "A failure was not seen.")
    @State
    public static class AFailureIsMissedWhenItIsNotedAfterTheFlag {
        private final AtomicIntegerArray done = new AtomicIntegerArray(FailingPackets.PACKETS);
        private final boolean[] failed = new boolean[FailingPackets.PACKETS];

        @Actor
        public void drainer() {
            for (int i = 0; i < FailingPackets.PACKETS; i++) {
                done.setRelease(i, 1);
                failed[i] = true;
            }
        }

        @Actor
        public void owner(I_Result r) {
            int taken = 0;
            for (int round = 0; round < 2000 && taken < FailingPackets.PACKETS; round++) {
                for (; taken < FailingPackets.PACKETS && done.getAcquire(taken) != 0; taken++) {
                    r.r1 += failed[taken] ? 0 : 1;
                }
            }
        }
    }

    /** Slots are closed as they are done, whatever their place. Seen 3,769 times in 160,566. */
    @JCStressTest
    @Outcome(id = {"-1, -1", "-1, 0", "0, 1"}, expect = ACCEPTABLE,
            desc = "Nothing, or the chains in their order.")
    @Outcome(expect = ACCEPTABLE_INTERESTING, desc = "A chain overtook an older one.")
    @State
    public static class AChainOvertakesAnOlderOneWhenHolesAreSkipped {
        private volatile boolean firstDone;
        private volatile boolean secondDone;

        @Actor
        public void drainer() {
            secondDone = true;
            Outcomes.linger();
            firstDone = true;
        }

        @Actor
        public void owner(II_Result r) {
            r.r1 = firstDone ? 0 : secondDone ? 1 : -1;
            r.r2 = r.r1 == 1 ? 0 : secondDone && r.r1 == 0 ? 1 : firstDone ? 0 : -1;
        }
    }
}
