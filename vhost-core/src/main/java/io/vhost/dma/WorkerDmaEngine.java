package io.vhost.dma;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.locks.LockSupport;
import org.jctools.queues.atomic.SpscAtomicArrayQueue;

/**
 * Copies in a thread of its own, which spins while there is work, then yields its processor and parks.
 *
 * <p>One queue element is a whole submission, so a burst costs the submitter two queue operations however many copies it
 * has. Completions are in order of submission.
 */
public final class WorkerDmaEngine implements DmaEngine {
    private static final int BURSTS = 64;
    private static final int SPINS = 2000;
    private static final VarHandle PARKED;

    static {
        try {
            PARKED = MethodHandles.lookup()
                    .findVarHandle(WorkerDmaEngine.class, "parked", boolean.class)
                    .withInvokeExactBehavior();
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final SpscAtomicArrayQueue<CopyBurst> toWorker = new SpscAtomicArrayQueue<>(BURSTS);
    private final SpscAtomicArrayQueue<CopyBurst> fromWorker = new SpscAtomicArrayQueue<>(BURSTS);
    private final CopyBurst[] idle = new CopyBurst[BURSTS];
    private final Thread worker;
    private int idleCount = BURSTS;
    private CopyBurst filling;
    private CopyBurst reporting;
    private volatile boolean stopped;
    private volatile Throwable death;

    @SuppressWarnings("unused") // Accessed through its handle.
    private boolean parked;

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
        for (int i = 0; i < BURSTS; i++) {
            idle[i] = new CopyBurst();
        }
        worker = Thread.ofPlatform().name(threadName).daemon().unstarted(() -> {
            try {
                onStart.run();
                work();
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
        return idleCount * CopyBurst.SIZE + (filling == null ? 0 : filling.free());
    }

    @Override
    public void copy(
            MemorySegment source, long sourceOffset, MemorySegment target, long targetOffset, int length, int token) {
        if (filling == null) {
            filling = idle[--idleCount];
        }
        filling.add(source, sourceOffset, target, targetOffset, length, token);
        if (filling.free() == 0) {
            submit();
        }
    }

    @Override
    public void submit() {
        if (filling == null) {
            return;
        }
        // There are as many places as bursts, so there always is one.
        toWorker.offer(filling);
        filling = null;
        // Orders the offer before the read of the worker's state; the worker stores its state, fences and looks into the
        // queue once more. Without both fences it could sleep on work.
        VarHandle.fullFence();
        if ((boolean) PARKED.getOpaque(this)) {
            LockSupport.unpark(worker);
        }
    }

    @Override
    public int completed(int[] tokens, int offset, int count) {
        if (death != null) {
            throw new IllegalStateException("the worker thread \"" + worker.getName() + "\" has ended", death);
        }
        int reports = 0;
        while (reports < count) {
            if (reporting == null) {
                reporting = fromWorker.poll();
                if (reporting == null) {
                    break;
                }
            }
            reports += reporting.report(tokens, offset + reports, count - reports);
            if (reporting.isReported()) {
                reporting.clear();
                idle[idleCount++] = reporting;
                reporting = null;
            }
        }
        return reports;
    }

    /** Stops the worker between two submissions and waits for its end; an interrupt does not cut the wait short. */
    @Override
    public void close() {
        stopped = true;
        LockSupport.unpark(worker);
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

    private void work() {
        int idleRounds = 0;
        while (!stopped) {
            try {
                idleRounds = round(idleRounds);
            } catch (InternalError e) {
                // Later still than where it is expected. The burst is on its way, and others must go on.
                idleRounds = 0;
            }
        }
    }

    private int round(int idleRounds) {
        CopyBurst burst = toWorker.poll();
        if (burst != null) {
            run(burst);
            fromWorker.offer(burst);
            return 0;
        }
        if (idleRounds < SPINS) {
            Thread.onSpinWait();
            return idleRounds + 1;
        }
        park();
        return 0;
    }

    private static void run(CopyBurst burst) {
        try {
            burst.run();
        } catch (InternalError | RuntimeException e) {
            // A truncated file behind a mapping, or a segment that was closed. The error may be late, so it says nothing
            // about which copy it was.
            burst.fail();
        }
    }

    private void park() {
        PARKED.setOpaque(this, true);
        // Orders our state before the last look into the queue; see submit.
        VarHandle.fullFence();
        if (toWorker.isEmpty() && !stopped) {
            LockSupport.park(this);
        }
        PARKED.setOpaque(this, false);
    }
}
