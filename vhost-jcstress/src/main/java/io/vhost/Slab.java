package io.vhost;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Native memory for the states of a test: the same kind of segment as in production, and allocated once.
 *
 * <p>Slices are handed out round and round. The harness has at most 10,240 states alive, so a slice comes
 * round again only after its last user has ended.
 */
public final class Slab {
    private static final int SLICES = 16_384;

    private final MemorySegment memory;
    private final long sliceSize;
    private final AtomicLong next = new AtomicLong();

    /** A slab of slices with this many bytes each, a multiple of 64. */
    public Slab(long sliceSize) {
        this.sliceSize = sliceSize;
        this.memory = Arena.global().allocate(SLICES * sliceSize, 64);
    }

    /** The whole slab. */
    public MemorySegment memory() {
        return memory;
    }

    /** Offset of a slice, which is cleared. */
    public long next() {
        long offset = next.getAndIncrement() % SLICES * sliceSize;
        memory.asSlice(offset, sliceSize).fill((byte) 0);
        return offset;
    }
}
