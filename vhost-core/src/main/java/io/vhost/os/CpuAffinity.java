package io.vhost.os;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.BitSet;

/** Which CPUs a polling thread runs on. Thread: the one concerned, a platform thread. */
public final class CpuAffinity {
    /** Kernels are built for at most this many CPUs. */
    private static final int MAX_CPUS = 8192;
    private static final int CALLING_THREAD = 0;

    private CpuAffinity() {}

    /**
     * Binds the calling thread to one CPU.
     *
     * @param cpu its number, one of {@link #allowedCpus}
     * @throws IllegalArgumentException if the thread may not run there
     * @throws IllegalStateException if the thread is a virtual one: it has no CPU of its own
     */
    public static void pinCurrentThread(int cpu) {
        requirePlatformThread();
        if (cpu < 0 || cpu >= MAX_CPUS) {
            throw notAllowed(cpu);
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment cpus = arena.allocate(MAX_CPUS / Byte.SIZE, Long.BYTES);
            cpus.set(JAVA_BYTE, cpu / Byte.SIZE, (byte) (1 << (cpu % Byte.SIZE)));
            int result = Libc.schedSetaffinity(CALLING_THREAD, cpus);
            if (result == -Errno.EINVAL) {
                throw notAllowed(cpu);
            }
            if (result < 0) {
                throw new OsException("sched_setaffinity(cpu=" + cpu + ")", -result);
            }
        }
    }

    /** {@return the numbers of the CPUs that the calling thread may run on now, ascending} */
    public static int[] allowedCpus() {
        requirePlatformThread();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment cpus = arena.allocate(MAX_CPUS / Byte.SIZE, Long.BYTES);
            int result = Libc.schedGetaffinity(CALLING_THREAD, cpus);
            if (result < 0) {
                throw new OsException("sched_getaffinity()", -result);
            }
            return BitSet.valueOf(cpus.asByteBuffer()).stream().toArray();
        }
    }

    private static IllegalArgumentException notAllowed(int cpu) {
        return new IllegalArgumentException(
                "cpu=" + cpu + " must be one of " + Arrays.toString(allowedCpus()));
    }

    private static void requirePlatformThread() {
        if (Thread.currentThread().isVirtual()) {
            throw new IllegalStateException("a virtual thread has no CPU of its own; use a platform thread");
        }
    }
}
