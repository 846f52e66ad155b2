package io.vhost.dma;

import io.vhost.dma.engine.DmaEngine;
import io.vhost.memory.NativeCopy;
import java.lang.foreign.MemorySegment;

/** An engine that makes its copies when it is asked for what is done, the last first. */
public final class HeldEngine implements DmaEngine {
    private static final int DEPTH = 4;

    private final MemorySegment[] source = new MemorySegment[DEPTH];
    private final MemorySegment[] target = new MemorySegment[DEPTH];
    private final long[] sourceOffset = new long[DEPTH];
    private final long[] targetOffset = new long[DEPTH];
    private final int[] length = new int[DEPTH];
    private final int[] token = new int[DEPTH];
    private int count;

    /** An engine with nothing to do. */
    public HeldEngine() {}

    @Override
    public int depth() {
        return DEPTH;
    }

    @Override
    public int capacity() {
        return DEPTH - count;
    }

    @Override
    public void copy(
            MemorySegment from, long fromOffset, MemorySegment to, long toOffset, int bytes, int newToken) {
        source[count] = from;
        sourceOffset[count] = fromOffset;
        target[count] = to;
        targetOffset[count] = toOffset;
        length[count] = bytes;
        token[count++] = newToken;
    }

    @Override
    public void submit() {}

    @Override
    public int completed(int[] tokens, int offset, int most) {
        int reports = 0;
        while (count > 0 && reports < most) {
            count--;
            NativeCopy.copy(source[count], sourceOffset[count],
                    target[count], targetOffset[count], length[count]);
            tokens[offset + reports++] = token[count];
        }
        return reports;
    }

    @Override
    public void close() {}
}
