package io.vhost.app.cli;

/** For how long a command has been at work, and since when its user has heard nothing. One thread. */
public final class Stopwatch {
    private final long begin = System.nanoTime();
    private long last = begin;

    /** Begins now. */
    public Stopwatch() {}

    /** Time since the beginning, in ns. */
    public long elapsed() {
        return System.nanoTime() - begin;
    }

    /** Time since the last lap, the first one since the beginning; in ns, at least 1. */
    public long lap() {
        long now = System.nanoTime();
        long lap = Math.max(1, now - last);
        last = now;
        return lap;
    }
}
