package io.vhost.bpf.map;

import static io.vhost.bpf.mem.Bytes.ATOMIC_INT;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.locks.LockSupport;

/**
 * Locks that are words of native memory: a map has many, and takes one for a few dozen instructions. They do
 * not nest on one word. Thread: any.
 */
final class SpinLock {
    private static final int PATIENCE = 100;

    private SpinLock() {
    }

    static void lock(MemorySegment words, long offset) {
        int spins = 0;
        while (!ATOMIC_INT.compareAndSet(words, offset, 0, 1)) {
            if (++spins < PATIENCE) {
                Thread.onSpinWait();
            } else {
                LockSupport.parkNanos(1);   // whoever has it may need this CPU
            }
        }
    }

    static void unlock(MemorySegment words, long offset) {
        ATOMIC_INT.setRelease(words, offset, 0);
    }
}
