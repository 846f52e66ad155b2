package io.vhost.dma;

import io.vhost.Slab;
import io.vhost.dma.channel.CopyChannel;
import io.vhost.dma.channel.CopyListener;
import java.util.concurrent.atomic.AtomicIntegerArray;

/** A channel with two copies under way, which counts what their owner is told. */
final class TwoCopies {
    private static final Slab SLAB = new Slab(64);
    private static final DmaRegistry REGISTRY = new DmaRegistry();

    private final AtomicIntegerArray told = new AtomicIntegerArray(2);
    private final long base = SLAB.next();
    final HeldEngine engine = new HeldEngine();
    final CopyChannel channel = new CopyChannel(REGISTRY, "stress", engine, null, System::nanoTime);

    TwoCopies() {
        CopyListener owner = (slot, failed) -> told.getAndIncrement(slot);
        channel.lock.lock();
        try {
            channel.copy(SLAB.memory(), base, SLAB.memory(), base + 32, 4, owner, 0);
            channel.copy(SLAB.memory(), base + 4, SLAB.memory(), base + 36, 4, owner, 1);
            channel.submit();
        } finally {
            channel.lock.unlock();
        }
    }

    int told(int slot) {
        return told.get(slot);
    }
}
