package io.vhost.protocol;

import java.time.Duration;

/**
 * A point in time until which to wait, on the clock of {@link System#nanoTime}.
 *
 * @param nanoTime the value of that clock
 * @param limited whether there is a limit at all
 */
record Deadline(long nanoTime, boolean limited) {
    /** Waits for ever. */
    static final Deadline NEVER = new Deadline(0, false);

    static Deadline after(Duration duration) {
        return new Deadline(System.nanoTime() + duration.toNanos(), true);
    }

    /** Time left in ms, rounded up, at least 0; -1 without a limit, as poll(2) understands it. */
    int remainingMillis() {
        if (!limited) {
            return -1;
        }
        long left = nanoTime - System.nanoTime();
        return left <= 0 ? 0 : (int) Math.min(Integer.MAX_VALUE, (left + 999_999) / 1_000_000);
    }
}
