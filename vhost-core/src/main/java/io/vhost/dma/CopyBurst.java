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

    /** Makes the copies. One that meets memory that is gone is failed, the others are made. */
    void run() {
        for (int i = 0; i < count; i++) {
            try {
                NativeCopy.copy(source[i], sourceOffset[i], target[i], targetOffset[i], length[i]);
            } catch (InternalError | RuntimeException e) {
                // A truncated file behind a mapping, or a segment that was closed: the bytes did not arrive.
                result[i] = ~result[i];
            }
        }
    }

    /** Reports results that were not; how many. */
    int report(int[] tokens, int offset, int max) {
        int reports = Math.min(max, count - reported);
        System.arraycopy(result, reported, tokens, offset, reports);
        reported += reports;
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
    }
}
