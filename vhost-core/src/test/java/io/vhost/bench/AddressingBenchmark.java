package io.vhost.bench;

import io.vhost.memory.NativeCopy;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What it costs to reach guest memory: one segment for each region, one window for all regions, or one
 * segment without bounds, for a burst of descriptors that are read, translated and copied from in two passes.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(3)
public class AddressingBenchmark {
    private static final int BURST = 32;
    private static final int REGIONS = 2;
    private static final long REGION = 8L << 20;
    private static final int STRIDE = 2048 + 64;
    private static final int BUFFERS = 1024;
    private static final MemorySegment EVERYTHING = everything();

    /** Bytes of a packet. */
    @Param("64")
    private int size;

    private final long[] offset = new long[BURST];
    private final MemorySegment[] regionOf = new MemorySegment[BURST];
    private Arena arena;
    private MemorySegment window;
    private MemorySegment[] regions;
    private MemorySegment slab;
    private int next;

    @SuppressWarnings("restricted") // The form that is measured and not used.
    private static MemorySegment everything() {
        return MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
    }

    /** A table of descriptors at the window's beginning, whose buffers lie in both regions. */
    @Setup
    public void memory() {
        arena = Arena.ofShared();
        window = arena.allocate(REGIONS * REGION, 4096);
        regions = new MemorySegment[] {window.asSlice(0, REGION), window.asSlice(REGION, REGION)};
        slab = arena.allocate((long) BURST * STRIDE, 64);
        for (int i = 0; i < BUFFERS; i++) {
            long buffer = (i % 8 == 0 ? REGION : 0) + 65536 + (long) i * STRIDE;
            window.set(ValueLayout.JAVA_LONG, 16L * i, buffer);
        }
    }

    /** Frees the memory. */
    @TearDown
    public void free() {
        arena.close();
    }

    /** Each packet fetches the segment of its region. */
    @Benchmark
    @OperationsPerInvocation(BURST)
    public long regionSegments() {
        for (int i = 0; i < BURST; i++) {
            long address = regions[0].get(ValueLayout.JAVA_LONG, 16L * ((next + i) % BUFFERS));
            int region = address < REGION ? 0 : 1;
            regionOf[i] = regions[region];
            offset[i] = address - region * REGION;
        }
        for (int i = 0; i < BURST; i++) {
            NativeCopy.copy(regionOf[i], offset[i], slab, (long) i * STRIDE, size);
        }
        return next += BURST;
    }

    /** One segment, loaded once for the burst. */
    @Benchmark
    @OperationsPerInvocation(BURST)
    public long oneWindow() {
        MemorySegment memory = window;
        for (int i = 0; i < BURST; i++) {
            offset[i] = memory.get(ValueLayout.JAVA_LONG, 16L * ((next + i) % BUFFERS));
        }
        for (int i = 0; i < BURST; i++) {
            NativeCopy.copy(memory, offset[i], slab, (long) i * STRIDE, size);
        }
        return next += BURST;
    }

    /** One static segment over the whole address space. */
    @Benchmark
    @OperationsPerInvocation(BURST)
    public long withoutBounds() {
        long base = window.address();
        for (int i = 0; i < BURST; i++) {
            offset[i] = base + EVERYTHING.get(ValueLayout.JAVA_LONG, base + 16L * ((next + i) % BUFFERS));
        }
        long target = slab.address();
        for (int i = 0; i < BURST; i++) {
            NativeCopy.copy(EVERYTHING, offset[i], EVERYTHING, target + (long) i * STRIDE, size);
        }
        return next += BURST;
    }
}
