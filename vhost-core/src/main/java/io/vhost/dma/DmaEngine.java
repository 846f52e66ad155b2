package io.vhost.dma;

import java.lang.foreign.MemorySegment;

/**
 * Something that copies memory while the caller goes on. To be implemented for hardware;
 * called by the library only.
 *
 * <p>Thread: one at a time. Copies may be made and reported in any order. Memory order: bytes of a copy are
 * visible to the thread that is told of its completion.
 *
 * <p>Whatever an engine throws, or reports without having been asked for it, fails its channel: the engine is
 * closed, and every copy under way is given back as failed.
 *
 * <p>Memory may vanish while it is copied, when a guest truncates the file behind it; the access then ends in
 * an {@link InternalError}. That is the guest's fault and not the engine's, and other guests must not suffer
 * from it: an engine reports such a copy as failed and goes on. The error may come a little later than the
 * access. So an engine that copies in {@link #copy} itself enters the copy into its books first, and may let
 * the error pass; one that copies in a thread of its own fails all copies of the same {@link #submit}.
 */
public interface DmaEngine extends AutoCloseable {
    /** {@return the most copies that are under way at a time, constant and at least 1} */
    int depth();

    /** {@return how many copies {@link #copy} takes at this moment, 0 to {@link #depth}} */
    int capacity();

    /**
     * Queues one copy; it need not begin before {@link #submit}. Called only while {@link #capacity} is at
     * least 1. The segments stay alive until the copy is reported, or {@link #close} has returned.
     *
     * @param source native memory to read
     * @param sourceOffset first byte in it
     * @param target native memory to write, not overlapping
     * @param targetOffset first byte in it
     * @param length bytes, at least 1
     * @param token names the copy in {@link #completed};
     *     0 to {@code depth() - 1}, and not that of a copy under way
     */
    void copy(MemorySegment source, long sourceOffset,
            MemorySegment target, long targetOffset, int length, int token);

    /** Begins with the queued copies, if it has not begun before. */
    void submit();

    /**
     * Reports copies that are done, each once. Does not wait.
     *
     * @param tokens receives the token of each copy that was made, and {@code ~token} of each that failed
     * @param offset first index to fill
     * @param count most to report
     * @return how many were reported, 0 to {@code count}
     */
    int completed(int[] tokens, int offset, int count);

    /**
     * Ends the engine. When this returns, no copy touches memory any more, whether it was reported or not.
     */
    @Override
    void close();
}
