package io.vhost.dma.engine;

import io.vhost.memory.NativeCopy;
import java.lang.foreign.MemorySegment;

/**
 * Copies at once, in the caller's thread: the engine for machines without a core to spare, with the
 * asynchronous calls unchanged.
 */
public final class InlineDmaEngine implements DmaEngine {
    private static final int DEPTH = 4096;

    // A ring of reports; at most DEPTH are under way, so it cannot overflow.
    private final int[] done = new int[DEPTH];
    private int head;
    private int count;

    /** An engine with nothing under way. */
    public InlineDmaEngine() {}

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
            MemorySegment source, long sourceOffset,
            MemorySegment target, long targetOffset, int length, int token) {
        int place = (head + count++) % DEPTH;
        // An error may come after the copy, and even after this method:
        // in the books is the worse outcome until then.
        done[place] = ~token;
        NativeCopy.copy(source, sourceOffset, target, targetOffset, length);
        done[place] = token;
    }

    @Override
    public void submit() {}

    @Override
    public int completed(int[] tokens, int offset, int max) {
        int reported = Math.min(max, count);
        for (int i = 0; i < reported; i++) {
            tokens[offset + i] = done[(head + i) % DEPTH];
        }
        head = (head + reported) % DEPTH;
        count -= reported;
        return reported;
    }

    @Override
    public void close() {
        count = 0;
    }
}
