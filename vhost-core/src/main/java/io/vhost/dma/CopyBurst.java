package io.vhost.dma;

import io.vhost.memory.NativeCopy;
import java.lang.foreign.MemorySegment;

/**
 * Copies of one submission, all from one segment to one segment. What the worker reads is as small as can be, since
 * each cache line of it has to change processors: where each copy begins and ends, and the segments once. The tokens
 * stay with the submitter.
 *
 * <p>The submitter fills it and hands it over; when the worker has handed it back, the submitter reports it.
 */
final class CopyBurst {
    static final int SIZE = 64;

    /** Source and target of each copy, alternating. */
    private final long[] place = new long[2 * SIZE];
    private final int[] length = new int[SIZE];
    private final int[] result = new int[SIZE];
    private MemorySegment source;
    private MemorySegment target;
    private int count;
    private boolean failed;

    int free() {
        return SIZE - count;
    }

    /** Begins anew. */
    void open(MemorySegment from, MemorySegment to) {
        // A reference that is stored costs more than one that is compared, and it hardly ever changes.
        if (source != from) {
            source = from;
        }
        if (target != to) {
            target = to;
        }
        if (failed) {
            failed = false;
        }
        count = 0;
    }

    /** Whether copies between these segments may be added. */
    boolean isFor(MemorySegment from, MemorySegment to) {
        return source == from && target == to;
    }

    void add(long fromOffset, long toOffset, int bytes, int token) {
        int at = count;
        place[2 * at] = fromOffset;
        place[2 * at + 1] = toOffset;
        // Lengths are often the same as last time, and then their lines need not travel.
        if (length[at] != bytes) {
            length[at] = bytes;
        }
        result[at] = token;
        count = at + 1;
    }

    /** Makes the copies. */
    void run() {
        MemorySegment from = source;
        MemorySegment to = target;
        for (int i = 0; i < count; i++) {
            NativeCopy.copy(from, place[2 * i], to, place[2 * i + 1], length[i]);
        }
    }

    /** Says that the copies were not all made; which of them cannot be told. */
    void fail() {
        failed = true;
    }

    int count() {
        return count;
    }

    /** Reports results, from one on; writes nothing here. */
    void report(int from, int[] tokens, int offset, int number) {
        int all = failed ? -1 : 0;
        for (int i = 0; i < number; i++) {
            tokens[offset + i] = result[from + i] ^ all;
        }
    }
}
