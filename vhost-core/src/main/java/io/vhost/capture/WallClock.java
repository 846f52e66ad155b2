package io.vhost.capture;

import java.time.Instant;

/**
 * Makes times of day of what {@link System#nanoTime} says. Polling threads read that alone; it runs as the
 * clock of the day does, but for what that is set by. Thread: one.
 */
final class WallClock {
    private static final long BILLION = 1_000_000_000L;
    private static final long SECOND = BILLION;
    /** What two looks at two clocks may differ by, in ns, when nobody has set one. */
    private static final long TOLERANCE = 1_000_000;

    private long offset = offset();
    private long looked = System.nanoTime();

    private static long offset() {
        long before = System.nanoTime();
        Instant now = Instant.now();
        long after = System.nanoTime();
        return now.getEpochSecond() * BILLION + now.getNano() - (before + (after - before) / 2);
    }

    /** Nanoseconds since 1970. */
    long of(long nanoTime) {
        return nanoTime + offset;
    }

    /** Nanoseconds since 1970, of this moment. */
    long now() {
        return of(System.nanoTime());
    }

    /** Looks, once a second, whether the clock of the day was set. */
    void look() {
        long now = System.nanoTime();
        if (now - looked >= SECOND) {
            looked = now;
            long measured = offset();
            // Small differences are of the measuring, and would put packets into disorder.
            if (Math.abs(measured - offset) > TOLERANCE) {
                offset = measured;
            }
        }
    }
}
