package io.vhost.bench;

import io.vhost.os.CpuAffinity;
import java.util.Arrays;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * How far two CPUs are from each other at this moment: the time that a word takes there and back.
 *
 * <p>The host of a virtual machine may move its CPUs at any time, with or without a cache in common, and
 * throughput across the two changes two- to threefold with it. Both CPUs must be idle while this measures.
 * One thread at a time.
 */
final class CoreDistance implements AutoCloseable {
    /** What a round trip tells. */
    enum Mode { NEAR, FAR, BETWEEN }

    private static final double NEAR_BELOW = 200;
    private static final double FAR_ABOVE = 280;
    private static final int BATCHES = 25;
    private static final int TRIPS = 100;
    private static final int PING = 16;   // 128 bytes apart from each other and from the array's ends
    private static final int PONG = 32;

    private final AtomicLongArray words = new AtomicLongArray(48);
    private final double[] batches = new double[BATCHES];
    private final ExecutorService here;
    private final ExecutorService there;
    private long trip;

    CoreDistance(int oneCpu, int otherCpu) {
        here = pinned(oneCpu);
        there = pinned(otherCpu);
        for (int i = 0; i < 200; i++) {
            roundTrip();   // compiled from here on
        }
    }

    /** Median time of a round trip in nanoseconds. */
    double roundTrip() {
        long first = trip + 1;
        long last = trip + (long) BATCHES * TRIPS;
        Future<?> echo = there.submit(() -> echo(first, last));
        try {
            here.submit(() -> bounce(first)).get();
            echo.get();
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
        trip = last;
        Arrays.sort(batches);
        return batches[BATCHES / 2];
    }

    /** What {@code nanoseconds} of a round trip mean. */
    static Mode mode(double nanoseconds) {
        return nanoseconds < NEAR_BELOW ? Mode.NEAR : nanoseconds > FAR_ABOVE ? Mode.FAR : Mode.BETWEEN;
    }

    @Override
    public void close() {
        here.shutdown();
        there.shutdown();
    }

    private void bounce(long first) {
        long word = first;
        for (int batch = 0; batch < BATCHES; batch++) {
            long start = System.nanoTime();
            for (int i = 0; i < TRIPS; i++, word++) {
                words.setRelease(PING, word);
                awaitWord(PONG, word);
            }
            batches[batch] = (System.nanoTime() - start) / (double) TRIPS;
        }
    }

    private void echo(long first, long last) {
        for (long word = first; word <= last; word++) {
            awaitWord(PING, word);
            words.setRelease(PONG, word);
        }
    }

    private void awaitWord(int index, long word) {
        long seen = words.getAcquire(index);
        while (seen != word) {
            seen = words.getAcquire(index);
        }
    }

    private static ExecutorService pinned(int cpu) {
        var threads = Thread.ofPlatform().daemon().name("ping " + cpu);
        return Executors.newSingleThreadExecutor(task -> threads.unstarted(() -> {
            CpuAffinity.pinCurrentThread(cpu);
            task.run();
        }));
    }
}
