package io.vhost.dma.engine;

import java.lang.foreign.MemorySegment;

/**
 * Something that copies memory while the caller goes on. To be implemented for hardware;
 * called by the library only.
 *
 * <p>Thread: one at a time. Copies may be made and reported in any order. Memory order: bytes of a copy are
 * visible to the thread that is told of its completion.
 *
 * <p>Whatever an engine throws, or reports without having been asked for it, is its end: it is closed, and
 * its channel fails, or goes on with another engine if it was configured with a factory. So does a channel
 * one of whose copies takes too long: {@link #stop}, {@link #handOver} and {@link #inProgress} let it tell
 * whose copy that is, and lose no copies of others. An engine that lacks them is replaced too, but its copies
 * under way fail when it has ended.
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
     * {@return the token of a copy that is being made at this moment; -1 if there is none, or the engine
     * cannot tell} Does not wait.
     */
    default int inProgress() {
        return -1;
    }

    /**
     * Begins no further copy, and does not wait for those that have begun: {@link #close} does, which comes
     * from another thread afterwards. Nothing else is called any more except {@link #handOver}.
     */
    default void stop() {}

    /**
     * Hands over copies that were not reported and that this engine does not touch now, nor ever will; each
     * once, in the order of their submission. Whether it has made them does not matter: they are made again.
     * Called after {@link #stop}, and once more after {@link #close}; copies that are not handed over then
     * have failed.
     *
     * @param rest takes them
     */
    default void handOver(CopySink rest) {}

    /**
     * Ends the engine. When this returns, no copy touches memory any more, whether it was reported or not.
     */
    @Override
    void close();
}
