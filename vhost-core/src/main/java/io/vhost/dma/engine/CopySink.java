package io.vhost.dma.engine;

import java.lang.foreign.MemorySegment;

/** Takes copies that an engine was given and will not make, see {@link DmaEngine#handOver}. */
public interface CopySink {
    /**
     * One copy, as {@link DmaEngine#copy} was given it.
     *
     * @param source native memory to read
     * @param sourceOffset first byte in it
     * @param target native memory to write
     * @param targetOffset first byte in it
     * @param length bytes, at least 1
     * @param token names the copy
     */
    void copy(MemorySegment source, long sourceOffset,
            MemorySegment target, long targetOffset, int length, int token);

    /** The copies since the last call came with one {@link DmaEngine#submit}. */
    void submit();
}
