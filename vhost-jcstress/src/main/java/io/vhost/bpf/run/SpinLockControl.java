package io.vhost.bpf.run;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE_INTERESTING;

import io.vhost.Pause;
import io.vhost.Slab;
import io.vhost.bpf.mem.Bytes;
import java.lang.foreign.MemorySegment;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;

/** Broken twins of the lock: what {@link SpinLockStress} would see. */
public final class SpinLockControl {
    private static final Slab VALUES = new Slab(64);

    private SpinLockControl() {}

    /** The same counts without the lock. Seen 4,275 times in 175,098. */
    @JCStressTest
    @Outcome(id = "2", expect = ACCEPTABLE, desc = "Both counted.")
    @Outcome(id = "1", expect = ACCEPTABLE_INTERESTING, desc = "A count was lost.")
    @State
    public static class ACountIsLostWithoutLock {
        private final MemorySegment values = VALUES.memory();
        private final long value = VALUES.next();

        private void count() {
            Bytes.LONG.set(values, value + 8, (long) Bytes.LONG.get(values, value + 8) + 1);
        }

        @Actor
        public void one() {
            count();
        }

        @Actor
        public void other() {
            count();
        }

        @Arbiter
        public void end(I_Result r) {
            r.r1 = (int) (long) Bytes.LONG.get(values, value + 8);
        }
    }

    /** A reader that does not take the lock. Seen 89 times in 127,971. */
    @JCStressTest
    @Outcome(id = {"0, 0", "1, 1"}, expect = ACCEPTABLE, desc = "Before or after.")
    @Outcome(expect = ACCEPTABLE_INTERESTING, desc = "In between.")
    @State
    public static class HalfIsSeenWithoutLock {
        private final MemorySegment values = VALUES.memory();
        private final long value = VALUES.next();

        @Actor
        public void write() {
            Obligations obligations = new Obligations();
            obligations.lock(values, value, SpinLockStress.PATIENCE);
            Bytes.INT.set(values, value + 8, 1);
            Pause.linger();
            Bytes.INT.set(values, value + 12, 1);
            obligations.settle();
        }

        @Actor
        public void read(II_Result r) {
            r.r1 = (int) Bytes.INT.get(values, value + 8);
            r.r2 = (int) Bytes.INT.get(values, value + 12);
        }
    }
}
