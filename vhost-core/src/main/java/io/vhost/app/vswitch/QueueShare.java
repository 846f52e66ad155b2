package io.vhost.app.vswitch;

/**
 * The queue pairs of one port that one thread polls: they are dealt out to the threads in turn, each port's
 * beginning with a thread of its own. Any thread.
 *
 * @param thread whose share, 0 to {@code threads - 1}
 * @param threads among how many pairs are dealt out
 * @param first the thread that has pair 0
 */
record QueueShare(int thread, int threads, int first) {
    /** All pairs, for a switch with one thread. */
    static final QueueShare ALL = new QueueShare(0, 1, 0);

    /** Whether the thread polls a pair. */
    boolean has(int pair) {
        return (first + pair) % threads == thread;
    }

    /** The first pair that the thread may have; each {@link #threads}th after it is one, too. */
    int begin() {
        return Math.floorMod(thread - first, threads);
    }
}
