package io.vhost.os;

import static java.lang.System.Logger.Level.ERROR;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * Threads that close what may hold up who closes it: Linux lets the last close of a socket wait for its peer
 * as long as SO_LINGER says, and with it the close of each Unix socket in whose queue it lies. What those
 * sent who connect to one listener is closed by threads of that listener, so that others do not wait for it.
 *
 * <p>Thread: any. The threads are started when there is something to close, and end soon after, but one is
 * there from {@link #begin} to {@link #end}.
 */
final class ClosingThreads {
    /** Closes at the same time. */
    static final int MOST_THREADS = 4;
    /** Closes that may wait for a thread before {@link #isClogged} says so. */
    static final int MOST_WAITING = 64;

    private static final long IDLE_MILLIS = 100;
    private static final long MOMENT = 100_000_000;    // in ns
    private static final long SETTLE_LOOK = 100_000;
    private static final System.Logger LOGGER = System.getLogger(ClosingThreads.class.getPackageName());

    private final ThreadPoolExecutor threads = new ThreadPoolExecutor(MOST_THREADS, MOST_THREADS,
            IDLE_MILLIS, TimeUnit.MILLISECONDS, new LinkedBlockingQueue<>(),
            Thread.ofPlatform().daemon().name("closing").factory());

    private final AtomicInteger unfinished = new AtomicInteger();
    /** For a thread that is there from the start: what comes when the system has none left. */
    private final BlockingQueue<Runnable> withoutThread = new LinkedBlockingQueue<>();

    private volatile boolean present;

    ClosingThreads() {
        threads.allowCoreThreadTimeOut(true);
    }

    /** Starts a thread for when the system has none left, until {@link #end}. */
    void begin() {
        present = true;
        Thread.ofPlatform().daemon().name("closing").start(() -> {
            while (present || !withoutThread.isEmpty()) {
                try {
                    withoutThread.take().run();
                } catch (InterruptedException _) {
                    // Nobody has a reason to end it.
                }
            }
        });
    }

    /** Ends the thread after what was added before. */
    void end() {
        present = false;
        withoutThread.add(() -> {});    // for the thread to look at the end
    }

    /** Whether so many closes wait that no more of them should be brought about. */
    boolean isClogged() {
        return threads.getQueue().size() + withoutThread.size() >= MOST_WAITING;
    }

    /** Waits for a moment until nothing is being closed any more. */
    void settle() {
        closeSoon(() -> {});
        long end = System.nanoTime() + MOMENT;
        while (unfinished.get() > 0 && System.nanoTime() - end < 0) {
            LockSupport.parkNanos(SETTLE_LOOK);
        }
    }

    /** Has something closed, and waits for a moment unless another close takes longer than that already. */
    void closeLater(AutoCloseable it) {
        if (unfinished.get() == 0) {
            closeSoon(it);
        } else {
            begin(it, new CountDownLatch(1));
        }
    }

    /** Has something closed, and does not wait at all. */
    void closeUnattended(AutoCloseable it) {
        begin(it, new CountDownLatch(1));
    }

    /** Has something closed and waits for it, but not for long. */
    void closeSoon(AutoCloseable it) {
        CountDownLatch done = new CountDownLatch(1);
        begin(it, done);
        boolean interrupted = false;
        long end = System.nanoTime() + MOMENT;
        boolean waits = true;
        while (waits) {
            try {
                boolean _ = done.await(end - System.nanoTime(), TimeUnit.NANOSECONDS);
                waits = false;
            } catch (InterruptedException _) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** The same, but while too many wait, whoever brings more closes them himself: they hold descriptors. */
    void close(AutoCloseable it) {
        if (isClogged()) {
            closeNow(it);
        } else {
            closeLater(it);
        }
    }

    private void begin(AutoCloseable it, CountDownLatch done) {
        Runnable work = () -> {
            closeNow(it);
            unfinished.getAndDecrement();
            done.countDown();
        };
        unfinished.getAndIncrement();
        try {
            threads.execute(work);
        } catch (OutOfMemoryError noThread) {
            if (present) {
                withoutThread.add(work);
            } else {
                work.run();
            }
        }
    }

    private static void closeNow(AutoCloseable it) {
        try {
            it.close();
        } catch (Exception | Error failure) {
            LOGGER.log(ERROR, "not closed: " + it, failure);
        }
    }
}
