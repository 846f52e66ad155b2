package io.vhost.dma.engine;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE_INTERESTING;

import java.util.concurrent.atomic.AtomicLongArray;
import org.jctools.queues.atomic.SpscAtomicArrayQueue;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.ZZ_Result;

/**
 * A broken twin of the worker: what {@link WorkerDmaEngineStress} would see. It is a model, since
 * the engine's fences are in the middle of the two steps that it has.
 */
public final class WorkerDmaEngineControl {
    private WorkerDmaEngineControl() {}

    /** No fence between queue and state, on either side. Seen 15,498 times in 143,926. */
    @JCStressTest
    @Outcome(id = "false, true", expect = ACCEPTABLE_INTERESTING, desc = "The worker sleeps on work.")
    @Outcome(id = ".*", expect = ACCEPTABLE, desc = "Noticed.")
    @State
    public static class AWakeUpIsLostWithoutFence {
        private static final int PARKED = 32;

        private final SpscAtomicArrayQueue<String> queue = new SpscAtomicArrayQueue<>(2);
        private final AtomicLongArray line = new AtomicLongArray(WorkerDmaEngine.SHARED_LENGTH);

        @Actor
        public void submitter(ZZ_Result r) {
            queue.offer("work");
            r.r1 = line.getOpaque(PARKED) != 0;
        }

        @Actor
        public void worker(ZZ_Result r) {
            line.setOpaque(PARKED, 1);
            r.r2 = queue.isEmpty();
        }
    }
}
