package io.vhost.bench;

import io.vhost.queue.ControlException;
import io.vhost.device.VirtQueue;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.ring.RingFormat;
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

/** Nanoseconds a packet of the device side alone, in bursts of 32 through the public calls, lock included. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(3)
public class BurstBenchmark {
    private static final int BURST = 32;

    /** Bytes of a packet. */
    @Param({"64", "1518"})
    private int size;

    /** Format of both rings. */
    @Param({"SPLIT", "PACKED"})
    private RingFormat format;

    private final Packet[] packets = new Packet[BURST];
    private SyntheticGuest guest;
    private PacketPool pool;
    private VirtQueue toGuest;
    private VirtQueue fromGuest;

    /** A guest with full rings and a pool that stays in the first-level cache. */
    @Setup
    public void start() throws ControlException {
        guest = new SyntheticGuest(size, format);
        toGuest = guest.queue(0);
        fromGuest = guest.queue(1);
        pool = PacketPool.create(2 * BURST, 2048 + PacketPool.DEFAULT_HEADROOM);
    }

    /** Frees the guest. */
    @TearDown
    public void stop() {
        guest.close();
        pool.close();
    }

    /** Guest to application. */
    @Benchmark
    @OperationsPerInvocation(BURST)
    public int dequeue() {
        guest.offer(1, BURST);
        int count = fromGuest.dequeueBurst(pool, packets, 0, BURST);
        pool.release(packets, 0, count);
        return count;
    }

    /** Guest to application and back. */
    @Benchmark
    @OperationsPerInvocation(BURST)
    public int forward() {
        guest.offer(1, BURST);
        guest.offer(0, BURST);
        int count = fromGuest.dequeueBurst(pool, packets, 0, BURST);
        count = toGuest.enqueueBurst(packets, 0, count);
        pool.release(packets, 0, count);
        return count;
    }

    /** Application to guest. */
    @Benchmark
    @OperationsPerInvocation(BURST)
    public int enqueue() {
        guest.offer(0, BURST);
        int taken = pool.take(packets, 0, BURST);
        for (int i = 0; i < taken; i++) {
            packets[i].reset(size);
        }
        int count = toGuest.enqueueBurst(packets, 0, taken);
        pool.release(packets, 0, taken);
        return count;
    }
}
