package io.vhost.app.demo;

import java.time.Duration;
import java.util.List;

/** Notices that a demo's traffic has come to a standstill. One thread. */
final class Stall {
    private final List<DemoFlow> flows;
    private final long patience;
    private long moved = -1;
    private long since;

    Stall(List<DemoFlow> flows, Duration patience) {
        this.flows = flows;
        this.patience = patience.toNanos();
    }

    /** Whether nothing has moved for as long as the patience lasts. */
    boolean lasts() {
        long now = flows.stream().mapToLong(DemoFlow::moved).sum();
        if (now != moved) {
            moved = now;
            since = System.nanoTime();
        }
        return System.nanoTime() - since > patience;
    }
}
