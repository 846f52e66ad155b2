package io.vhost.program;

import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.LockSupport;

/**
 * What runs the programs of an object, one for each thread at work; what the kernel calls CPUs. Threads: any.
 */
final class Runners {
    private static final int PATIENCE = 100;
    private static final long PARK = 20_000;

    /** A place is empty while its runner is at work. */
    private final AtomicReferenceArray<Runner> idle;

    Runners(int count, long budget) {
        idle = new AtomicReferenceArray<>(count);
        for (int i = 0; i < count; i++) {
            idle.setRelease(i, new Runner(i, budget));
        }
    }

    /** Takes one, which has seen all that its last user did; waits for one if all are at work. */
    Runner claim() {
        // A thread begins where it found one the last time, if nobody else does.
        int place = (int) (Thread.currentThread().threadId() % idle.length());
        for (int tries = 0; ; tries++) {
            Runner runner = idle.getPlain(place);
            if (runner != null && idle.compareAndSet(place, runner, null)) {
                return runner;
            }
            place = place + 1 == idle.length() ? 0 : place + 1;
            if (tries > PATIENCE) {
                // Its thread may be off the CPU.
                LockSupport.parkNanos(PARK);
            } else {
                Thread.onSpinWait();
            }
        }
    }

    /** Gives it back. */
    void release(Runner runner) {
        // Release: what this thread did is seen by the next one to claim it, in a compare-and-set.
        idle.setRelease(runner.number(), runner);
    }
}
