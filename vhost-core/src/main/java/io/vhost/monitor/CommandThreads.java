package io.vhost.monitor;

import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Runs commands, each on a thread of its own, since one that is stuck keeps its thread. That outlives its
 * client, which may come again and send the next one: so their number is bounded.
 *
 * <p>Threads: any.
 */
final class CommandThreads {
    /**
     * In bytes. Messages may be nested 1,024 deep, and a level of that takes more than a kilobyte where the
     * first of the JVM's compilers has compiled what reads or writes it; what is not used is not backed.
     */
    static final long STACK = 4 << 20;
    private static final long IDLE_SECONDS = 5;

    private final int most;
    private final AtomicInteger underWay = new AtomicInteger();
    private final AtomicInteger number = new AtomicInteger();
    private final ThreadPoolExecutor pool;

    /** Threads whose names begin so. */
    CommandThreads(String name, int most) {
        this.most = most;
        pool = new ThreadPoolExecutor(0, Integer.MAX_VALUE, IDLE_SECONDS, TimeUnit.SECONDS,
                new SynchronousQueue<>(), action -> Thread.ofPlatform().daemon().stackSize(STACK)
                        .name(name + " command " + number.incrementAndGet()).unstarted(action));
    }

    /** Runs something; false if too much runs already, or {@link #stop} was called. */
    boolean execute(Runnable action) {
        if (underWay.incrementAndGet() > most) {
            underWay.decrementAndGet();
            return false;
        }
        boolean runs = false;
        try {
            pool.execute(() -> {
                try {
                    action.run();
                } finally {
                    underWay.decrementAndGet();
                }
            });
            runs = true;
        } catch (RejectedExecutionException stopped) {
            // As if too much ran: nobody waits for the answer any more.
        } finally {
            if (!runs) {
                underWay.decrementAndGet();
            }
        }
        return runs;
    }

    /** Runs nothing more, and interrupts what runs. */
    void stop() {
        pool.shutdownNow();
    }
}
