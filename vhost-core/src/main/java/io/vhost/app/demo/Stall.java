package io.vhost.app.demo;

import java.time.Duration;

/** Notices that a demo's traffic has come to a standstill. One thread. */
final class Stall {
    private final Demo demo;
    private final long patience;
    private long moved = -1;
    private long since;

    Stall(Demo demo, Duration patience) {
        this.demo = demo;
        this.patience = patience.toNanos();
    }

    /** Whether nothing has moved for as long as the patience lasts. */
    boolean lasts() {
        long now = demo.flows().stream().mapToLong(DemoFlow::moved).sum();
        if (now != moved) {
            moved = now;
            since = System.nanoTime();
        }
        return System.nanoTime() - since > patience;
    }
}
