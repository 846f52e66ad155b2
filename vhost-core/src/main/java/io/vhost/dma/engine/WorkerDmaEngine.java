package io.vhost.dma.engine;

import io.vhost.memory.MemoryFault;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.jctools.queues.atomic.SpscAtomicArrayQueue;

/**
 * Copies in a thread of its own, which spins while there is work, then yields its processor and parks.
 *
 * <p>One queue element is a whole submission, so a burst costs the submitter one queue operation however many
 * copies it has. Bursts end in the order of submission, so the way back is a number: how many have ended.
 */
public final class WorkerDmaEngine implements DmaEngine {
    private static final int BURSTS = 64;
    private static final int SPINS = 2000;
    private static final VarHandle SHARED =
            MethodHandles.arrayElementVarHandle(long[].class).withInvokeExactBehavior();

    // What both threads use is far apart: neither waits for the other's cache lines without need.
    // Indexes of shared.
    private static final int ENDED = 16;
    /** On the line of the former: the worker writes both. */
    private static final int BEGUN = 17;
    private static final int PARKED = 32;
    private static final int STOPPED = 48;

    static final int SHARED_LENGTH = 64;

    private final long[] shared = new long[SHARED_LENGTH];
    private final SpscAtomicArrayQueue<CopyBurst> toWorker = new SpscAtomicArrayQueue<>(BURSTS);
    private final CopyBurst[] bursts = new CopyBurst[BURSTS];
    private final Thread worker;

    // Of the submitter. Bursts are used in turn: reported <= ended <= handed over.
    private int handedOver;
    private int reported;
    private int knownEnded;
    /** Results of the burst with the number {@code reported} that were reported. */
    private int reportedOfBurst;
    private boolean filling;
    private volatile Throwable death;

    /**
     * Starts the worker.
     *
     * @param threadName name of the worker's thread
     */
    public WorkerDmaEngine(String threadName) {
        this(threadName, () -> {});
    }

    /**
     * Starts the worker.
     *
     * @param threadName name of the worker's thread
     * @param onStart runs first in the worker, to pin it to a processor for instance
     */
    public WorkerDmaEngine(String threadName, Runnable onStart) {
        this(threadName, onStart, CopyBurst::new);
    }

    /** The same, with bursts of a test. */
    WorkerDmaEngine(String threadName, Runnable onStart, Supplier<CopyBurst> burst) {
        for (int i = 0; i < BURSTS; i++) {
            bursts[i] = burst.get();
        }
        worker = Thread.ofPlatform().name(threadName).daemon().unstarted(() -> {
            try {
                onStart.run();
                work(toWorker, shared);
            } catch (Throwable e) {
                death = e;
            }
        });
        worker.start();
    }

    @Override
    public int depth() {
        return BURSTS * CopyBurst.SIZE;
    }

    @Override
    public int capacity() {
        int idle = BURSTS - (handedOver - reported);
        return idle * CopyBurst.SIZE - (filling ? CopyBurst.SIZE - next().free() : 0);
    }

    @Override
    public void copy(
            MemorySegment source, long sourceOffset,
            MemorySegment target, long targetOffset, int length, int token) {
        CopyBurst burst = next();
        if (!filling) {
            burst.open();
            filling = true;
        }
        burst.add(source, sourceOffset, target, targetOffset, length, token);
        if (burst.free() == 0) {
            submit();
        }
    }

    private CopyBurst next() {
        return bursts[handedOver & (BURSTS - 1)];
    }

    @Override
    public void submit() {
        if (!filling) {
            return;
        }
        filling = false;
        // There are as many places as bursts, so there always is one.
        toWorker.offer(next());
        handedOver++;
        if (mustWake(shared)) {
            LockSupport.unpark(worker);
        }
    }

    /** For the submitter when the work is in the queue: whether the worker sleeps, or may be about to. */
    static boolean mustWake(long[] line) {
        // Orders the offer before the read of the worker's state; the worker stores its state, fences and
        // looks into the queue once more. Without both fences it could sleep on work.
        VarHandle.fullFence();
        return (long) SHARED.getOpaque(line, PARKED) != 0;
    }

    @Override
    public int completed(int[] tokens, int offset, int count) {
        if (death != null) {
            throw new IllegalStateException("the worker thread \"" + worker.getName() + "\" has ended",
                    death);
        }
        int reports = 0;
        while (reports < count && hasEnded()) {
            CopyBurst burst = bursts[reported & (BURSTS - 1)];
            int number = Math.min(count - reports, burst.count() - reportedOfBurst);
            burst.report(reportedOfBurst, tokens, offset + reports, number);
            reports += number;
            reportedOfBurst += number;
            if (reportedOfBurst == burst.count()) {
                reportedOfBurst = 0;
                reported++;
            }
        }
        return reports;
    }

    /** Whether a burst has ended that was not reported. */
    private boolean hasEnded() {
        if (reported == knownEnded) {
            // The copied bytes come before the number that says so.
            knownEnded = (int) (long) SHARED.getAcquire(shared, ENDED);
        }
        return reported != knownEnded;
    }

    @Override
    public int inProgress() {
        int ended = (int) (long) SHARED.getAcquire(shared, ENDED);
        int begun = (int) (long) SHARED.getAcquire(shared, BEGUN);
        return begun == ended ? -1 : bursts[(begun - 1) & (BURSTS - 1)].firstToken();
    }

    /** The worker stops before its next copy. */
    @Override
    public void stop() {
        SHARED.setVolatile(shared, STOPPED, 1L);
        // Orders this before what handOver reads; the worker says that it begins a burst, fences and looks
        // whether it may. So a burst that is not seen to have begun will touch nothing.
        VarHandle.fullFence();
        LockSupport.unpark(worker);
    }

    @Override
    public void handOver(CopySink rest) {
        boolean alive = worker.isAlive();
        int begun = (int) (long) SHARED.getVolatile(shared, BEGUN);
        int ended = (int) (long) SHARED.getAcquire(shared, ENDED);
        int end = filling ? handedOver + 1 : handedOver;
        for (int number = reported; number != end; number++) {
            // A burst that was handed over has no copies left.
            if (!alive || begun == ended || number != ended) {
                bursts[number & (BURSTS - 1)].handOver(number == reported ? reportedOfBurst : 0, rest);
            }
        }
    }

    /**
     * Stops the worker between two copies and waits for its end;
     * an interrupt does not cut the wait short.
     */
    @Override
    public void close() {
        stop();
        boolean interrupted = false;
        while (worker.isAlive()) {
            try {
                worker.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /**
     * What the worker uses again and again comes as arguments:
     * this object's fields are on a line of the submitter.
     */
    private static void work(SpscAtomicArrayQueue<CopyBurst> queue, long[] line) {
        int idleRounds = 0;
        while (!isStopped(line)) {
            try {
                idleRounds = round(queue, line, idleRounds);
            } catch (InternalError e) {
                // Later still than where it is expected. The burst was counted, and others must go on.
                idleRounds = 0;
            }
        }
    }

    private static boolean isStopped(long[] line) {
        return (long) SHARED.getVolatile(line, STOPPED) != 0;
    }

    private static int round(SpscAtomicArrayQueue<CopyBurst> queue, long[] line, int idleRounds) {
        CopyBurst burst = queue.poll();
        if (burst != null) {
            try {
                SHARED.setRelease(line, BEGUN, (long) SHARED.get(line, ENDED) + 1);
                // Orders that before the look whether to stop; see stop.
                VarHandle.fullFence();
                run(burst, line);
            } finally {
                // Also when an error comes late: a burst that was not counted would hold up all after it.
                SHARED.setRelease(line, ENDED, (long) SHARED.get(line, ENDED) + 1);
            }
            return 0;
        }
        if (idleRounds < SPINS) {
            Thread.onSpinWait();
            return idleRounds + 1;
        }
        park(queue, line);
        return 0;
    }

    private static void run(CopyBurst burst, long[] line) {
        try {
            int count = burst.count();
            for (int i = 0; i < count; i++) {
                if (isStopped(line)) {
                    burst.fail();
                    return;
                }
                burst.make(i);
            }
            MemoryFault.surface();
        } catch (InternalError | RuntimeException e) {
            // A truncated file behind a mapping, or a segment that was closed. The error may be late, so it
            // says nothing about which copy it was.
            burst.fail();
        }
    }

    private static void park(SpscAtomicArrayQueue<CopyBurst> queue, long[] line) {
        if (maySleep(queue, line)) {
            LockSupport.park(queue);
        }
        SHARED.setOpaque(line, PARKED, 0L);
    }

    /**
     * For the worker: whether there is still nothing to do.
     * Submitters know from now on that it must be woken.
     */
    static boolean maySleep(SpscAtomicArrayQueue<CopyBurst> queue, long[] line) {
        SHARED.setOpaque(line, PARKED, 1L);
        // Orders our state before the last look into the queue; see mustWake.
        VarHandle.fullFence();
        return queue.isEmpty() && !isStopped(line);
    }
}
