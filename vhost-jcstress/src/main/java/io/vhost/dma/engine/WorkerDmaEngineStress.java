package io.vhost.dma.engine;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import io.vhost.dma.DmaRegistry;
import io.vhost.dma.channel.ChannelAccess;
import io.vhost.dma.channel.CopyChannel;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jctools.queues.atomic.SpscAtomicArrayQueue;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Mode;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.Signal;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.ZZ_Result;

/** An engine whose worker goes to sleep while it is given work. */
public final class WorkerDmaEngineStress {
    private WorkerDmaEngineStress() {}

    /**
     * Work handed over while the worker goes to sleep is found by it, or wakes it. Twin:
     * {@link WorkerDmaEngineControl.AWakeUpIsLostWithoutFence}.
     */
    @JCStressTest
    @Outcome(id = "false, true", expect = FORBIDDEN, desc = "Nobody noticed: the worker sleeps on work.")
    @Outcome(id = ".*", expect = ACCEPTABLE, desc = "Woken, or found before sleeping, or both.")
    @State
    public static class NoWakeUpIsLost {
        private static final CopyBurst BURST = new CopyBurst();

        private final SpscAtomicArrayQueue<CopyBurst> queue = new SpscAtomicArrayQueue<>(2);
        private final long[] line = new long[WorkerDmaEngine.SHARED_LENGTH];

        @Actor
        public void submitter(ZZ_Result r) {
            queue.offer(BURST);
            r.r1 = WorkerDmaEngine.mustWake(line);
        }

        @Actor
        public void worker(ZZ_Result r) {
            r.r2 = WorkerDmaEngine.maySleep(queue, line);
        }
    }

    /**
     * A worker that sleeps makes the copies that it is given then. No twin, since the harness waits half a
     * minute until it calls a thread stale: an engine that does not wake its worker was stale at its first
     * submission.
     */
    @JCStressTest(Mode.Termination)
    @Outcome(id = "TERMINATED", expect = ACCEPTABLE, desc = "The copy was made and reported.")
    @Outcome(id = "STALE", expect = FORBIDDEN, desc = "The worker sleeps on.")
    @State
    public static class ASleepingWorkerIsWoken {
        private static final CopyChannel CHANNEL =
                ChannelAccess.channel(new DmaRegistry().configure("stress", new WorkerDmaEngine("stress")));
        private static final MemorySegment MEMORY = Arena.global().allocate(128, 64);

        private volatile boolean told;

        @Actor
        public void poller() {
            while (!told) {
                CHANNEL.drain();
            }
        }

        @Signal
        public void submit() {
            CHANNEL.lock.lock();
            try {
                CHANNEL.copy(MEMORY, 0, MEMORY, 64, 64, (slot, failed) -> told = !failed, 0);
                CHANNEL.submit();
            } finally {
                CHANNEL.lock.unlock();
            }
        }
    }
}
