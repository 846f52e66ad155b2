package io.vhost.bench;

import io.vhost.device.VirtQueue;
import io.vhost.dma.DmaChannel;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Moves packets through one queue in one way, and measures the calling thread's processor time. One thread.
 */
final class PollingCost {
    static final int BURST = 32;
    static final int DEPTH = 4;

    private static final int HEADROOM = 128;
    private static final int PAUSE = 20;
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    private final SyntheticGuest guest;
    private final VirtQueue queue;
    private final PacketPool pool;
    private final int size;
    private final DmaChannel channel;
    private final Packet[] packets = new Packet[BURST];
    private final Packet[] done = new Packet[BURST];
    private final List<Double> costs = new ArrayList<>();
    private final List<Double> emptyPolls = new ArrayList<>();
    private int inFlight;
    private long nanos;
    private long moved;
    private long emptyNanos;
    private long empty;

    /**
     * @param guest whose queue it is
     * @param queue registered for asynchronous copies if there is a channel
     * @param pool for the packets
     * @param size of each packet in bytes
     * @param channel what copies; null: the calling thread, synchronously
     */
    PollingCost(SyntheticGuest guest, VirtQueue queue, PacketPool pool, int size, DmaChannel channel) {
        this.guest = guest;
        this.queue = queue;
        this.pool = pool;
        this.size = size;
        this.channel = channel;
    }

    /** A pool for packets of {@code size} bytes. */
    static PacketPool pool(int size) {
        return PacketPool.create((DEPTH + 1) * BURST, size + HEADROOM);
    }

    /** Moves packets for a while; nothing is in flight afterwards. */
    void run(int millis, boolean counts) {
        nanos = 0;
        moved = 0;
        emptyNanos = 0;
        empty = 0;
        long clock = clockCost();
        long end = System.nanoTime() + millis * 1_000_000L;
        while (System.nanoTime() < end) {
            if (channel == null) {
                synchronous(clock);
            } else {
                submit(clock);
                poll(clock);
            }
        }
        while (inFlight > 0) {
            poll(clock);
        }
        if (counts && moved > 0) {
            costs.add((double) nanos / moved);
            if (empty > 0) {
                emptyPolls.add((double) emptyNanos / empty);
            }
        }
    }

    /** Median over the turns of the ns that a packet cost. */
    double median() {
        return median(costs);
    }

    /** Median over the turns of the ns that a poll without result cost. */
    double emptyPoll() {
        return median(emptyPolls);
    }

    static double median(List<Double> values) {
        Collections.sort(values);
        return values.isEmpty() ? Double.NaN : values.get(values.size() / 2);
    }

    private static long clockCost() {
        long least = Long.MAX_VALUE;
        for (int i = 0; i < 100; i++) {
            long before = THREADS.getCurrentThreadCpuTime();
            least = Math.min(least, THREADS.getCurrentThreadCpuTime() - before);
        }
        return least;
    }

    private void synchronous(long clock) {
        int index = queue.index();
        guest.offer(index, BURST);
        long before = THREADS.getCurrentThreadCpuTime();
        int count;
        if (queue.isToGuest()) {
            take();
            count = queue.enqueueBurst(packets, 0, BURST);
            pool.release(packets, 0, BURST);
        } else {
            count = queue.dequeueBurst(pool, packets, 0, BURST);
            pool.release(packets, 0, count);
        }
        nanos += THREADS.getCurrentThreadCpuTime() - before - clock;
        moved += require(count);
    }

    /** A burst more, to the guest; from the guest it is submitted by the poll. */
    private void submit(long clock) {
        if (inFlight > (DEPTH - 1) * BURST) {
            return;
        }
        guest.offer(queue.index(), BURST);
        inFlight += BURST;
        if (queue.isToGuest()) {
            long before = THREADS.getCurrentThreadCpuTime();
            take();
            int accepted = queue.submitEnqueueBurst(packets, 0, BURST, channel);
            nanos += THREADS.getCurrentThreadCpuTime() - before - clock;
            require(accepted);
        }
    }

    private void poll(long clock) {
        boolean submits = !queue.isToGuest() && queue.getInflight() < inFlight;
        long before = THREADS.getCurrentThreadCpuTime();
        int count;
        if (queue.isToGuest()) {
            count = queue.pollEnqueueCompleted(done, 0, BURST, channel);
        } else {
            count = queue.tryDequeueBurst(pool, done, 0, BURST, channel);
        }
        pool.release(done, 0, count);
        long cost = THREADS.getCurrentThreadCpuTime() - before - clock;
        inFlight -= count;
        if (count > 0 || submits) {
            nanos += cost;
            moved += count;
        } else {
            emptyNanos += cost;
            empty++;
            for (int i = 0; i < PAUSE; i++) {
                Thread.onSpinWait();
            }
        }
    }

    private void take() {
        pool.take(packets, 0, BURST);
        for (int i = 0; i < BURST; i++) {
            packets[i].reset(size);
        }
    }

    private static int require(int count) {
        if (count != BURST) {
            throw new IllegalStateException(count + " of " + BURST + " packets were taken");
        }
        return count;
    }
}
