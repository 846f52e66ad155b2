package io.vhost.dma.channel;

import io.vhost.dma.engine.DmaEngine;
import java.util.Objects;
import java.util.function.Supplier;

/**
 * Where a channel gets its engines from, one after the other. Used under the channel's lock.
 *
 * <p>Engines that fail by themselves are replaced a few times a minute and no more, so that one that dies at
 * once each time keeps nobody busy. Those that a guest's memory slowed down are not counted: a guest could
 * use up the number.
 */
public final class EngineSupply {
    /** Engines that may fail by themselves within {@link #SPAN_NANOS}. */
    static final int FAILURES = 4;

    static final long SPAN_NANOS = 60_000_000_000L;

    private final Supplier<? extends DmaEngine> engines;
    private final long[] failedAt = new long[FAILURES];
    private int failures;

    /** Of engines that a factory makes. */
    public EngineSupply(Supplier<? extends DmaEngine> engines) {
        this.engines = Objects.requireNonNull(engines, "engines");
    }

    /** The first engine. */
    public DmaEngine first() {
        return Objects.requireNonNull(engines.get(), "the factory made no engine");
    }

    /** Counts an engine that failed by itself; whether it may be replaced. */
    boolean mayReplace(long now) {
        int place = failures % FAILURES;
        if (failures >= FAILURES && now - failedAt[place] <= SPAN_NANOS) {
            return false;
        }
        failedAt[place] = now;
        failures++;
        return true;
    }

    /** Another engine, with as many places as those before it. */
    DmaEngine next(int depth) {
        DmaEngine engine = first();
        int places = engine.depth();
        if (places != depth) {
            engine.close();
            throw new IllegalStateException(
                    "the factory made an engine of depth " + places + " after those of " + depth);
        }
        return engine;
    }
}
