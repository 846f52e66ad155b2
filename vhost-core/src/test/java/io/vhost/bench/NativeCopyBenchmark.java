package io.vhost.bench;

import io.vhost.net.Packet;
import io.vhost.memory.NativeCopy;
import io.vhost.net.PacketPool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
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
 * Ways to copy packets in and out: bursts of 32 from scattered buffers of a guest's window to the same few
 * pool buffers, and from there to other buffers of the window, at the alignment that a 12-byte header leaves.
 * The time is for one packet, so for two copies.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class NativeCopyBenchmark {
    private static final int BURST = 32;
    private static final int BUFFERS = 512;
    private static final long WINDOW = 32L << 20;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;

    /** Packet lengths, of which each packet has one at random. */
    @Param({"60", "64", "128", "256", "1518", "60,64,66,90,128,256"})
    private String lengths;

    /** Whether the process has copied between heap arrays of several kinds, as an app may. */
    @Param({"false", "true"})
    private boolean heapToo;

    private Arena arena;
    private MemorySegment window;
    private PacketPool pool;
    private final Packet[] packets = new Packet[BURST];
    private final long[] offsets = new long[BUFFERS];
    private final int[] sizes = new int[BUFFERS];
    private int next;

    /** Lays the buffers out. */
    @Setup
    public void layOut() {
        arena = Arena.ofShared();
        window = arena.allocate(WINDOW, 4096);
        pool = PacketPool.create(64, 2048);
        int[] choice = Stream.of(lengths.split(",")).mapToInt(Integer::parseInt).toArray();
        Random random = new Random(5);
        for (int i = 0; i < BUFFERS; i++) {
            offsets[i] = random.nextInt((int) (WINDOW / 2048)) * 2048L + 12;
            sizes[i] = choice[random.nextInt(choice.length)];
        }
        if (heapToo) {
            copyHeapSegments();
        }
    }

    /** Frees the memory. */
    @TearDown
    public void free() {
        pool.close();
        arena.close();
    }

    private void copyHeapSegments() {
        MemorySegment[] kinds = {MemorySegment.ofArray(new byte[2048]), MemorySegment.ofArray(new long[256]),
            MemorySegment.ofArray(new int[512]), window};
        for (int i = 0; i < 400_000; i++) {
            MemorySegment source = kinds[i % 4];
            MemorySegment target = kinds[(i / 4) % 4];
            int count = 40 + i % 100;
            MemorySegment.copy(source, 0, target, 1024, count);
            MemorySegment.copy(source, ValueLayout.JAVA_BYTE, 0, target, ValueLayout.JAVA_BYTE, 1024, count);
        }
    }

    /** The library's. */
    @Benchmark
    @OperationsPerInvocation(BURST)
    public int packetCopy() {
        return forward(NativeCopy::copy);
    }

    /** The plain form of {@code MemorySegment.copy}. */
    @Benchmark
    @OperationsPerInvocation(BURST)
    public int bulk() {
        return forward(MemorySegment::copy);
    }

    /** The form with layouts, and nothing in front of it. */
    @Benchmark
    @OperationsPerInvocation(BURST)
    public int bulkWithLayouts() {
        return forward((source, from, target, to, length) -> MemorySegment.copy(
                source, ValueLayout.JAVA_BYTE, from, target, ValueLayout.JAVA_BYTE, to, length));
    }

    /** A loop of longs; the last one overlaps the one before. */
    @Benchmark
    @OperationsPerInvocation(BURST)
    public int longs() {
        return forward(NativeCopyBenchmark::copyLongs);
    }

    /** Unrolled longs on slices of constant length, whose bounds checks vanish, up to 128 bytes. */
    @Benchmark
    @OperationsPerInvocation(BURST)
    public int unrolledSlices() {
        return forward(NativeCopyBenchmark::copySlices);
    }

    private interface Copy {
        void copy(MemorySegment source, long from, MemorySegment target, long to, int length);
    }

    private int forward(Copy copy) {
        MemorySegment guest = window;
        MemorySegment slab = pool.segment();
        int first = next;
        int taken = pool.take(packets, 0, BURST);
        for (int i = 0; i < taken; i++) {
            Packet packet = packets[i];
            packet.reset(sizes[first + i]);
            copy.copy(guest, offsets[first + i], slab, packet.dataOffset(), packet.length());
        }
        int to = (first + BUFFERS / 2) & (BUFFERS - 1);
        for (int i = 0; i < taken; i++) {
            Packet packet = packets[i];
            copy.copy(slab, packet.dataOffset(), guest, offsets[to + i], packet.length());
        }
        pool.release(packets, 0, taken);
        next = (first + BURST) & (BUFFERS - 1);
        return taken;
    }

    private static void copyLongs(
            MemorySegment source, long from, MemorySegment target, long to, int length) {
        for (int i = 0; i < length - 8; i += 8) {
            target.set(LONG, to + i, source.get(LONG, from + i));
        }
        target.set(LONG, to + length - 8, source.get(LONG, from + length - 8));
    }

    private static void copySlices(
            MemorySegment source, long from, MemorySegment target, long to, int length) {
        if (length > 128) {
            MemorySegment.copy(source, from, target, to, length);
        } else if (length >= 64) {
            copy64(source.asSlice(from, 64), target.asSlice(to, 64));
            copy64(source.asSlice(from + length - 64, 64), target.asSlice(to + length - 64, 64));
        } else {
            copy32(source.asSlice(from, 32), target.asSlice(to, 32));
            copy32(source.asSlice(from + length - 32, 32), target.asSlice(to + length - 32, 32));
        }
    }

    private static void copy64(MemorySegment source, MemorySegment target) {
        copy32(source, target);
        copy32(source.asSlice(32, 32), target.asSlice(32, 32));
    }

    private static void copy32(MemorySegment source, MemorySegment target) {
        target.set(LONG, 0, source.get(LONG, 0));
        target.set(LONG, 8, source.get(LONG, 8));
        target.set(LONG, 16, source.get(LONG, 16));
        target.set(LONG, 24, source.get(LONG, 24));
    }
}
