package io.vhost.dma;

import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/** A clock that stands still until it is moved. One thread. */
public final class ManualClock implements LongSupplier {
    private final AtomicLong now = new AtomicLong(Long.MAX_VALUE - 1_000_000);

    /** Near the end of its range, so that it overflows soon. */
    public ManualClock() {}

    /** A registry whose engines age by this clock. */
    public DmaRegistry registry() {
        return new DmaRegistry(this);
    }

    /** Moves it on by so many nanoseconds; it overflows, as {@link System#nanoTime} may. */
    public void advance(long nanos) {
        now.addAndGet(nanos);
    }

    @Override
    public long getAsLong() {
        return now.get();
    }
}
