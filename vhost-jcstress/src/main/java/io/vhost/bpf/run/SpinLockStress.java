package io.vhost.bpf.run;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

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

/** bpf_spin_lock in a map's value, which programs on two CPUs take. */
public final class SpinLockStress {
    static final int PATIENCE = 1 << 20;

    private static final Slab VALUES = new Slab(64);

    private SpinLockStress() {}

    /**
     * Two programs that count under the lock count two. Twin:
     * {@link SpinLockControl.ACountIsLostWithoutLock}.
     */
    @JCStressTest
    @Outcome(id = "2", expect = ACCEPTABLE, desc = "Both counted.")
    @Outcome(expect = FORBIDDEN, desc = "A count was lost.")
    @State
    public static class NoCountIsLostUnderTheLock {
        private final MemorySegment values = VALUES.memory();
        private final long value = VALUES.next();

        private void count(Obligations obligations) {
            obligations.lock(values, value, PATIENCE);
            Bytes.LONG.set(values, value + 8, (long) Bytes.LONG.get(values, value + 8) + 1);
            obligations.unlock(values, value);
        }

        @Actor
        public void one() {
            count(new Obligations());
        }

        @Actor
        public void other() {
            count(new Obligations());
        }

        @Arbiter
        public void end(I_Result r) {
            r.r1 = (int) (long) Bytes.LONG.get(values, value + 8);
        }
    }

    /**
     * Who reads under the lock sees both words of who writes under it, or none, also where the writer was
     * aborted and the lock given back for it. Twin: {@link SpinLockControl.HalfIsSeenWithoutLock}.
     */
    @JCStressTest
    @Outcome(id = {"0, 0", "1, 1"}, expect = ACCEPTABLE, desc = "Before or after.")
    @Outcome(expect = FORBIDDEN, desc = "In between.")
    @State
    public static class NothingIsSeenInBetween {
        private final MemorySegment values = VALUES.memory();
        private final long value = VALUES.next();

        @Actor
        public void write() {
            Obligations obligations = new Obligations();
            obligations.lock(values, value, PATIENCE);
            Bytes.INT.set(values, value + 8, 1);
            Pause.linger();
            Bytes.INT.set(values, value + 12, 1);
            obligations.settle();
        }

        @Actor
        public void read(II_Result r) {
            Obligations obligations = new Obligations();
            obligations.lock(values, value, PATIENCE);
            r.r1 = (int) Bytes.INT.get(values, value + 8);
            r.r2 = (int) Bytes.INT.get(values, value + 12);
            obligations.unlock(values, value);
        }
    }
}
