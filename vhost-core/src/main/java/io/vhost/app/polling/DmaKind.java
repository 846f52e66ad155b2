package io.vhost.app.polling;

import io.vhost.dma.DmaRegistry;
import io.vhost.dma.engine.DmaEngine;
import io.vhost.dma.engine.InlineDmaEngine;
import io.vhost.dma.engine.WorkerDmaEngine;
import io.vhost.os.CpuAffinity;

/** What copies packets when the polling threads do not. */
public enum DmaKind {
    /** The polling thread after all, through the asynchronous calls. */
    INLINE,
    /** A thread for each channel. */
    WORKER;

    /** A worker needs a processor that nobody else keeps busy. */
    public static DmaKind suggested(int busyThreads) {
        return CpuAffinity.allowedCpus().length > busyThreads ? WORKER : INLINE;
    }

    /** A registry with as many channels, for its closer. */
    public DmaRegistry channels(int count) {
        DmaRegistry registry = new DmaRegistry();
        for (int i = 0; i < count; i++) {
            int number = i;
            registry.configureReplaceable("dma " + i, () -> engine(number));
        }
        return registry;
    }

    private DmaEngine engine(int number) {
        return this == WORKER ? new WorkerDmaEngine("dma worker " + number) : new InlineDmaEngine();
    }
}
