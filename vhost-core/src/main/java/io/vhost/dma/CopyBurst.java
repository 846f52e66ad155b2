package io.vhost.dma;

import io.vhost.memory.NativeCopy;
import java.lang.foreign.MemorySegment;

/**
 * The copies of one submission, as parallel arrays. It travels to the worker and back; whoever holds it may touch it, and
 * the queues it travels through order the accesses.
 */
final class CopyBurst {
    static final int SIZE = 64;

    private final MemorySegment[] source = new MemorySegment[SIZE];
    private final MemorySegment[] target = new MemorySegment[SIZE];
    private final long[] sourceOffset = new long[SIZE];
    private final long[] targetOffset = new long[SIZE];
    private final int[] length = new int[SIZE];
    private final int[] result = new int[SIZE];
    private int count;
    private int reported;
    private boolean failed;

    int free() {
        return SIZE - count;
    }

    boolean isEmpty() {
        return count == 0;
    }

    void add(MemorySegment from, long fromOffset, MemorySegment to, long toOffset, int bytes, int token) {
        source[count] = from;
        sourceOffset[count] = fromOffset;
        target[count] = to;
        targetOffset[count] = toOffset;
        length[count] = bytes;
        result[count++] = token;
    }

    /** Makes the copies. */
    void run() {
        for (int i = 0; i < count; i++) {
            NativeCopy.copy(source[i], sourceOffset[i], target[i], targetOffset[i], length[i]);
        }
    }

    /** Says that the copies were not all made; which of them cannot be told. */
    void fail() {
        failed = true;
    }

    /** Reports results that were not; how many. */
    int report(int[] tokens, int offset, int max) {
        int reports = Math.min(max, count - reported);
        for (int i = 0; i < reports; i++) {
            int token = result[reported++];
            tokens[offset + i] = failed ? ~token : token;
        }
        return reports;
    }

    boolean isReported() {
        return reported == count;
    }

    void clear() {
        for (int i = 0; i < count; i++) {
            source[i] = null;
            target[i] = null;
        }
        count = 0;
        reported = 0;
        failed = false;
    }
}
