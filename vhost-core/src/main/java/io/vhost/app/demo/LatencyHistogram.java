package io.vhost.app.demo;

/**
 * How often each latency was seen, to within 3 %. One thread; others only when that one is done.
 *
 * <p>Buckets are as in floating point: for each power of two there are {@value #STEPS}. HdrHistogram is not
 * used since its jar has no module name: a module that requires it could not be published.
 */
final class LatencyHistogram {
    private static final int STEP_BITS = 5;
    private static final int STEPS = 1 << STEP_BITS;

    private final long[] counts = new long[(Long.SIZE - STEP_BITS) * STEPS];
    private long total;
    private long max;

    /** Counts one latency, in ns; what is negative counts as 0. */
    void record(long nanos) {
        long value = Math.max(nanos, 0);
        counts[bucket(value)]++;
        total++;
        max = Math.max(max, value);
    }

    /** Adds all that {@code other} has counted. */
    void add(LatencyHistogram other) {
        for (int i = 0; i < counts.length; i++) {
            counts[i] += other.counts[i];
        }
        total += other.total;
        max = Math.max(max, other.max);
    }

    /** How many were counted. */
    long total() {
        return total;
    }

    /** The largest, in ns, exactly; 0 if there is none. */
    long max() {
        return max;
    }

    /** The smallest latency, in ns, that {@code share} of all (0 to 1) do not exceed; 0 if there is none. */
    long percentile(double share) {
        long wanted = Math.max(1, (long) Math.ceil(share * total));
        long seen = 0;
        for (int i = 0; i < counts.length; i++) {
            seen += counts[i];
            if (seen >= wanted) {
                return Math.min(upperEnd(i), max);
            }
        }
        return max;
    }

    private static int bucket(long value) {
        if (value < STEPS) {
            return (int) value;
        }
        int power = Long.SIZE - 1 - Long.numberOfLeadingZeros(value) - STEP_BITS;
        return power * STEPS + (int) (value >>> power);
    }

    private static long upperEnd(int bucket) {
        if (bucket < STEPS) {
            return bucket;
        }
        int power = bucket / STEPS - 1;
        long step = bucket % STEPS + (long) STEPS;
        return ((step + 1) << power) - 1;
    }
}
