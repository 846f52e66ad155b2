package io.vhost.bench;

import io.vhost.device.VirtQueue;
import io.vhost.dma.DmaChannel;
import io.vhost.dma.DmaRegistry;
import io.vhost.dma.engine.InlineDmaEngine;
import io.vhost.dma.engine.WorkerDmaEngine;
import io.vhost.net.PacketPool;
import io.vhost.queue.ControlException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Processor time that the polling thread spends on a packet, when it copies itself, when a worker does, and
 * through the asynchronous calls without a worker; and what the check of the lock costs.
 *
 * <p>Method. One polling thread, one worker, one device; the guest is {@link SyntheticGuest}, whose side of
 * the ring is one store for a burst, made by the polling thread outside of what is timed. Time is
 * CLOCK_THREAD_CPUTIME_ID of the polling thread, so what the worker and the compiler spend, and time without
 * a processor, is not in it. Bursts are of {@value PollingCost#BURST} packets, taken from a pool and put back
 * to it in the timed part, in both ways of copying. The asynchronous calls keep up to
 * {@value PollingCost#DEPTH} bursts in flight. What is counted is all submissions, and the polls that gave
 * something back. A poll that gave nothing back is not counted, nor the pause after it: the polling thread
 * has no work then and would turn to other queues. What such a poll costs is in the last column.
 *
 * <p>The ways take turns of {@value #TURN_MILLIS} ms, A B C A B C, in one process; figures are medians over
 * the turns, and the first turns, in which the compiler works, are left out. The cost of reading the clock is
 * subtracted.
 */
@Command(name = "async", mixinStandardHelpOptions = true)
final class AsyncBenchmark implements Callable<Integer> {
    private static final int TURN_MILLIS = 20;
    private static final int WARM_UP_TURNS = 40;
    private static final int CALLS = 1000;

    @Option(names = "--sizes", split = ",",
            description = "Lengths of packets in bytes; 64,256,1518,9000,65000 by default.")
    private int[] sizes = {64, 256, 1518, 9000, 65_000};

    @Option(names = "--millis",
            description = "Time for each way of copying, direction and size; 1000 by default.")
    private int millis = 1000;

    @Option(names = "--threshold", description = "Shorter copies are not left to channels; 0 by default.")
    private int threshold;

    @Override
    public Integer call() throws ControlException {
        System.out.println("CPU ns a packet in the polling thread, medians");
        System.out.println("| bytes | direction | synchronous | worker | ratio | inline | an empty poll |");
        System.out.println("|---|---|---|---|---|---|---|");
        for (int size : sizes) {
            compare(size, true);
            compare(size, false);
        }
        assertion();
        return 0;
    }

    private void compare(int size, boolean toGuest) throws ControlException {
        try (DmaRegistry registry = new DmaRegistry();
                SyntheticGuest guest = new SyntheticGuest(size, registry, threshold);
                PacketPool pool = PollingCost.pool(size)) {
            DmaChannel worker = registry.configure("worker", new WorkerDmaEngine("benchmark worker"));
            DmaChannel inline = registry.configure("inline", new InlineDmaEngine());
            VirtQueue queue = guest.queue(toGuest ? 0 : 1);
            queue.registerAsync();
            List<PollingCost> ways = new ArrayList<>();
            for (DmaChannel channel : Arrays.asList(null, worker, inline)) {
                ways.add(new PollingCost(guest, queue, pool, size, channel));
            }
            int turns = Math.max(3, millis / TURN_MILLIS);
            for (int turn = 0; turn < WARM_UP_TURNS + turns; turn++) {
                for (PollingCost way : ways) {
                    way.run(TURN_MILLIS, turn >= WARM_UP_TURNS);
                }
            }
            double sync = ways.get(0).median();
            double async = ways.get(1).median();
            System.out.printf(Locale.ROOT, "| %d | %s | %.1f | %.1f | %.2f | %.1f | %.0f |%n", size,
                    toGuest ? "to the guest" : "from the guest",
                    sync, async, async / sync, ways.get(2).median(), ways.get(1).emptyPoll());
        }
    }

    /** What a control call checks, with the check and without, and what that is of a burst. */
    private void assertion() throws ControlException {
        try (DmaRegistry registry = new DmaRegistry();
                SyntheticGuest guest = new SyntheticGuest(64, registry, 0);
                PacketPool pool = PollingCost.pool(64)) {
            VirtQueue queue = guest.queue(0);
            PollingCost burst = new PollingCost(guest, queue, pool, 64, null);
            List<Double> with = new ArrayList<>();
            List<Double> without = new ArrayList<>();
            for (int turn = 0; turn < WARM_UP_TURNS + millis / TURN_MILLIS; turn++) {
                boolean counts = turn >= WARM_UP_TURNS;
                burst.run(TURN_MILLIS, counts);
                double checked = held(queue, true);
                double unchecked = held(queue, false);
                if (counts) {
                    with.add(checked);
                    without.add(unchecked);
                }
            }
            double check = PollingCost.median(with) - PollingCost.median(without);
            double whole = PollingCost.BURST * burst.median();
            System.out.printf(Locale.ROOT,
                    "lock check: %.2f ns (a call %.2f ns, without it %.2f ns), %.3f %% of a burst of"
                            + " %d packets of 64 bytes (%.0f ns)%n",
                    check, PollingCost.median(with), PollingCost.median(without), 100 * check / whole,
                    PollingCost.BURST, whole);
        }
    }

    private static double held(VirtQueue queue, boolean checked) {
        queue.access_lock.lock();
        try {
            long begin = System.nanoTime();
            long end = begin + TURN_MILLIS * 1_000_000L;
            long now;
            long calls = 0;
            long sum = 0;
            do {
                sum += checked ? checkedCalls(queue) : uncheckedCalls(queue);
                calls += CALLS;
                now = System.nanoTime();
            } while (now < end);
            if (sum != 2 * calls) {
                throw new IllegalStateException("the queue has stopped");
            }
            return (double) (now - begin) / calls;
        } finally {
            queue.access_lock.unlock();
        }
    }

    private static int checkedCalls(VirtQueue queue) {
        int sum = 0;
        for (int i = 0; i < CALLS; i++) {
            sum += queue.access_lock.isHeldByCurrentThread() ? 1 : 0;
            sum += queue.isRunning() ? 1 : 0;
        }
        return sum;
    }

    private static int uncheckedCalls(VirtQueue queue) {
        int sum = 0;
        for (int i = 0; i < CALLS; i++) {
            sum += 1;
            sum += queue.isRunning() ? 1 : 0;
        }
        return sum;
    }
}
