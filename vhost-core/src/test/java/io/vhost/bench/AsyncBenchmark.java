package io.vhost.bench;

import io.vhost.device.ControlException;
import io.vhost.device.VirtQueue;
import io.vhost.dma.DmaChannel;
import io.vhost.dma.DmaRegistry;
import io.vhost.dma.InlineDmaEngine;
import io.vhost.dma.WorkerDmaEngine;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntUnaryOperator;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Processor time that the polling thread spends on a packet, when it copies itself and when a worker does, in bursts of 32
 * in flight; and what the check of the lock costs.
 */
@Command(name = "async", mixinStandardHelpOptions = true)
final class AsyncBenchmark implements Callable<Integer> {
    private static final int[] SIZES = {64, 256, 1518, 9000, 65_000};
    private static final int BURST = 32;
    private static final int HEADROOM = 128;

    @Option(names = "--millis", description = "Length of each measurement; 1000 by default.")
    private int millis = 1000;

    private final ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    private final Packet[] packets = new Packet[BURST];
    private final Packet[] done = new Packet[BURST];

    @Override
    public Integer call() throws ControlException {
        System.out.println("CPU ns a packet in the polling thread; to the guest | from the guest");
        System.out.printf("%8s%10s%10s%10s  |%10s%10s%10s%n", "bytes", "sync", "worker", "inline", "sync", "worker",
                "inline");
        for (int size : SIZES) {
            double[] row = new double[6];
            // Twice: the first time is for the compiler.
            for (int round = 0; round < 2; round++) {
                measure(size, row);
            }
            System.out.printf(Locale.ROOT, "%8d%10.1f%10.1f%10.1f  |%10.1f%10.1f%10.1f%n", size, row[0], row[1], row[2],
                    row[3], row[4], row[5]);
        }
        assertion();
        return 0;
    }

    private void measure(int size, double[] row) throws ControlException {
        try (DmaRegistry registry = new DmaRegistry();
                SyntheticGuest guest = new SyntheticGuest(size, registry);
                PacketPool pool = PacketPool.create(4 * BURST, size + HEADROOM)) {
            DmaChannel worker = registry.configure("worker", new WorkerDmaEngine("benchmark worker"));
            DmaChannel inline = registry.configure("inline", new InlineDmaEngine());
            VirtQueue to = guest.queue(0);
            VirtQueue from = guest.queue(1);
            row[0] = cost(_ -> enqueue(guest, to, pool, size));
            row[3] = cost(_ -> dequeue(guest, from, pool));
            to.registerAsync();
            from.registerAsync();
            row[1] = cost(_ -> submit(guest, to, pool, size, worker));
            drain(to, worker);
            row[4] = cost(_ -> tryDequeue(guest, from, pool, worker));
            drain(from, worker);
            row[2] = cost(_ -> submit(guest, to, pool, size, inline));
            drain(to, inline);
            row[5] = cost(_ -> tryDequeue(guest, from, pool, inline));
            drain(from, inline);
        }
    }

    /** Processor time of this thread for each thing that the loop's body says it has done. */
    private double cost(IntUnaryOperator body) {
        long end = System.nanoTime() + millis * 1_000_000L;
        long before = threads.getCurrentThreadCpuTime();
        long count = 0;
        while (System.nanoTime() < end) {
            int moved = body.applyAsInt(0);
            count += moved;
            if (moved == 0) {
                // The time in which another would poll other queues.
                long waited = threads.getCurrentThreadCpuTime();
                LockSupport.parkNanos(1);
                before += threads.getCurrentThreadCpuTime() - waited;
            }
        }
        return (double) (threads.getCurrentThreadCpuTime() - before) / Math.max(1, count);
    }

    private int enqueue(SyntheticGuest guest, VirtQueue queue, PacketPool pool, int size) {
        guest.offer(0, BURST);
        take(pool, size, BURST);
        int count = queue.enqueueBurst(packets, 0, BURST);
        pool.release(packets, 0, BURST);
        return count;
    }

    private int dequeue(SyntheticGuest guest, VirtQueue queue, PacketPool pool) {
        guest.offer(1, BURST);
        int count = queue.dequeueBurst(pool, packets, 0, BURST);
        pool.release(packets, 0, count);
        return count;
    }

    private int submit(SyntheticGuest guest, VirtQueue queue, PacketPool pool, int size, DmaChannel channel) {
        if (pool.available() >= 2 * BURST) {
            guest.offer(0, BURST);
            take(pool, size, BURST);
            int accepted = queue.submitEnqueueBurst(packets, 0, BURST, channel);
            pool.release(packets, accepted, BURST - accepted);
        }
        int back = queue.pollEnqueueCompleted(done, 0, BURST, channel);
        pool.release(done, 0, back);
        return back;
    }

    private int tryDequeue(SyntheticGuest guest, VirtQueue queue, PacketPool pool, DmaChannel channel) {
        if (pool.available() >= 2 * BURST) {
            guest.offer(1, BURST);
        }
        int count = queue.tryDequeueBurst(pool, done, 0, BURST, channel);
        pool.release(done, 0, count);
        return count;
    }

    private void take(PacketPool pool, int size, int count) {
        pool.take(packets, 0, count);
        for (int i = 0; i < count; i++) {
            packets[i].reset(size);
        }
    }

    private void drain(VirtQueue queue, DmaChannel channel) {
        while (queue.getInflight() > 0) {
            int count = queue.clearQueue(done, 0, BURST, channel);
            for (int i = 0; i < count; i++) {
                done[i].release();
            }
        }
    }

    /** The control call with the fewest instructions, with the check and without, and what that is of a burst. */
    private void assertion() throws ControlException {
        try (DmaRegistry registry = new DmaRegistry(); SyntheticGuest guest = new SyntheticGuest(64, registry);
                PacketPool pool = PacketPool.create(4 * BURST, 64 + HEADROOM)) {
            VirtQueue queue = guest.queue(0);
            queue.registerAsync();
            double with = 0;
            double without = 0;
            for (int round = 0; round < 3; round++) {
                with = held(queue, true);
                without = held(queue, false);
            }
            double burst = BURST * cost(_ -> enqueue(guest, queue, pool, 64));
            System.out.printf(Locale.ROOT, "lock check: %.2f ns (a call %.2f ns, without it %.2f ns), %.3f %% of a burst of"
                    + " %d packets of 64 bytes (%.0f ns)%n", with - without, with, without,
                    100 * (with - without) / burst, BURST, burst);
        }
    }

    private double held(VirtQueue queue, boolean checked) {
        queue.access_lock.lock();
        try {
            return checked ? cost(_ -> checkedCalls(queue)) : cost(_ -> uncheckedCalls(queue));
        } finally {
            queue.access_lock.unlock();
        }
    }

    private static int checkedCalls(VirtQueue queue) {
        int sum = 0;
        for (int i = 0; i < 1000; i++) {
            sum += queue.access_lock.isHeldByCurrentThread() ? 1 : 0;
            sum += queue.isRunning() ? 1 : 0;
        }
        return sum / 2;
    }

    private static int uncheckedCalls(VirtQueue queue) {
        int sum = 0;
        for (int i = 0; i < 1000; i++) {
            sum += 1;
            sum += queue.isRunning() ? 1 : 0;
        }
        return sum / 2;
    }
}
