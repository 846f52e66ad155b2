package io.vhost.bench;

import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
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
import org.openjdk.jmh.annotations.Warmup;

/**
 * Guards the two cliffs of segment access in hot loops: handles that are not exact, and call sites that
 * see several kinds of segments. Each is a matter of one word in the code and an order of magnitude here.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(1)
public class SegmentAccessBenchmark {
    private static final int ENTRIES = 256;
    private static final MemoryLayout RING = MemoryLayout.sequenceLayout(ENTRIES, ValueLayout.JAVA_LONG);
    private static final VarHandle EXACT = ValueLayout.JAVA_LONG.varHandle().withInvokeExactBehavior();
    private static final VarHandle GENERIC = ValueLayout.JAVA_LONG.varHandle();

    /** How many kinds of segments the loop sees: one native, the others arrays. */
    @Param({"1", "2", "3"})
    private int kinds;

    private MemorySegment[] segments;
    private int turn;

    /** Makes the segments. */
    @Setup
    public void segments() {
        MemorySegment nativeMemory = Arena.ofAuto().allocate(RING);
        MemorySegment longs = MemorySegment.ofArray(new long[ENTRIES]);
        segments = switch (kinds) {
            case 1 -> new MemorySegment[] {nativeMemory};
            case 2 -> new MemorySegment[] {nativeMemory, longs};
            default -> new MemorySegment[] {nativeMemory, longs, MemorySegment.ofArray(new double[ENTRIES])};
        };
    }

    /** With an exact handle and a long offset, as the library does. */
    @Benchmark
    @OperationsPerInvocation(ENTRIES)
    public long exact() {
        MemorySegment segment = next();
        long sum = 0;
        for (int i = 0; i < ENTRIES; i++) {
            sum += (long) EXACT.get(segment, (long) i * Long.BYTES);
        }
        return sum;
    }

    /** With a handle that adapts an int offset at every call. */
    @Benchmark
    @OperationsPerInvocation(ENTRIES)
    public long adapted() {
        MemorySegment segment = next();
        long sum = 0;
        for (int i = 0; i < ENTRIES; i++) {
            sum += (long) GENERIC.get(segment, i * Long.BYTES);
        }
        return sum;
    }

    private MemorySegment next() {
        turn++;
        return segments[turn % segments.length];
    }
}
