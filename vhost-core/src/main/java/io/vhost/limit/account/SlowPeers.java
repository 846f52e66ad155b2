package io.vhost.limit.account;

import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Whether front-ends of one server had eventfds lately whose signals take the kernel long: one that connects
 * again does not begin anew. Thread: any.
 */
public final class SlowPeers {
    /** How long it is remembered, in ns. */
    public static final long MEMORY = TimeUnit.MINUTES.toNanos(1);

    private final LongSupplier clock;
    private volatile boolean ever;
    private volatile long last;

    /** None had. */
    public SlowPeers() {
        this(System::nanoTime);
    }

    /** With another clock, in ns. */
    public SlowPeers(LongSupplier clock) {
        this.clock = clock;
    }

    /** One has. */
    public void slow() {
        last = clock.getAsLong();
        ever = true;
    }

    /** Whether one had within a minute. */
    public boolean wereSlow() {
        return ever && clock.getAsLong() - last < MEMORY;
    }
}
