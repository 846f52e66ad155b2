package io.vhost.dma.engine;

import io.vhost.memory.NativeCopy;
import java.lang.foreign.MemorySegment;

/**
 * Copies of one submission. What the worker reads is as small as can be, since each cache line of it has to
 * change processors when it is written: where each copy begins and ends always, the rest only where it
 * differs from what was there before, which it hardly ever does. The tokens stay with the submitter.
 *
 * <p>The submitter fills it and hands it over; when the worker has handed it back, the submitter reports it.
 */
class CopyBurst {
    static final int SIZE = 64;

    /** Source and target of each copy, alternating. */
    private final long[] place = new long[2 * SIZE];
    private final int[] length = new int[SIZE];
    private final MemorySegment[] source = new MemorySegment[SIZE];
    private final MemorySegment[] target = new MemorySegment[SIZE];
    private final int[] result = new int[SIZE];
    private int count;
    private boolean failed;

    int free() {
        return SIZE - count;
    }

    /** Begins anew. */
    void open() {
        if (failed) {
            failed = false;
        }
        count = 0;
    }

    // Identity: one of equal segments may have been closed.
    @SuppressWarnings({"ReferenceEquality", "MemorySegmentReferenceEquality"})
    void add(MemorySegment from, long fromOffset, MemorySegment to, long toOffset, int bytes, int token) {
        int at = count;
        place[2 * at] = fromOffset;
        place[2 * at + 1] = toOffset;
        if (length[at] != bytes) {
            length[at] = bytes;
        }
        if (source[at] != from) {
            source[at] = from;
        }
        if (target[at] != to) {
            target[at] = to;
        }
        result[at] = token;
        count = at + 1;
    }

    /** Makes one copy. Tests have some that take their time. */
    void make(int i) {
        NativeCopy.copy(source[i], place[2 * i], target[i], place[2 * i + 1], length[i]);
    }

    int length(int i) {
        return length[i];
    }

    /** Hands the copies over that were not reported, from one on, and has none afterwards. */
    void handOver(int from, CopySink rest) {
        for (int i = from; i < count; i++) {
            rest.copy(source[i], place[2 * i], target[i], place[2 * i + 1], length[i], result[i]);
        }
        if (from < count) {
            rest.submit();
        }
        count = 0;
    }

    /** The token of the first copy; there must be one. */
    int firstToken() {
        return result[0];
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
