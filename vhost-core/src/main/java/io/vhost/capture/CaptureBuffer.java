package io.vhost.capture;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/**
 * A ring of messages on their way from polling threads to the thread that writes them. Nobody waits: a
 * message for which there is no room is refused.
 *
 * <pre>
 *   message   0  header: bytes of the message, in the lower half; {@link #SKIP} for one to pass over
 *             8  what is in it
 * </pre>
 *
 * <p>All memory that no message lies in is zero: a header appears, by a release, when its message is
 * complete. What was there before would not do, since a guest may have written it.
 *
 * <p>Threads: any may claim and publish; one takes.
 */
final class CaptureBuffer {
    /** Bytes in front of what a message has in it. */
    static final int HEADER = 8;
    /** {@link #claim}: there is no room now, or never will be. */
    static final long FULL = -1;

    private static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle().withInvokeExactBehavior();
    private static final long SKIP = 1L << 32;
    private static final long CLOSED = Long.MIN_VALUE;

    // Positions count up and are never taken back; each has cache lines of its own.
    private static final long TAIL = 128;
    private static final long HEAD = 384;
    /** The head as producers saw it last: so that they seldom touch the taker's cache line. */
    private static final long SEEN_HEAD = 640;
    private static final long POSITIONS = 896;

    private final MemorySegment memory;
    private final MemorySegment positions = Arena.ofAuto().allocate(POSITIONS, 128);
    private final long capacity;
    private final long mask;

    /** Of the taker. */
    private long head;

    /**
     * An empty one.
     *
     * @param capacity bytes, a power of two
     */
    CaptureBuffer(long capacity) {
        if (Long.bitCount(capacity) != 1 || capacity < HEADER) {
            throw new IllegalArgumentException("capacity " + capacity + " is no power of two");
        }
        // Whoever still runs when a capture ends may write here: memory that the collector frees.
        this.memory = Arena.ofAuto().allocate(capacity, 128);
        this.capacity = capacity;
        this.mask = capacity - 1;
    }

    /** Where messages lie. */
    MemorySegment memory() {
        return memory;
    }

    /** The bytes of a message of this content: a multiple of 8. */
    static int aligned(int bytes) {
        return bytes + 7 & ~7;
    }

    /**
     * Takes room for a message; {@link #publish} or {@link #abandon} must follow.
     *
     * @param bytes with the header, a multiple of 8
     * @return where the message begins; or {@link #FULL}
     */
    long claim(long bytes) {
        while (true) {
            long tail = (long) LONG.getVolatile(positions, TAIL);
            long offset = tail & mask;
            // In one piece: what is left at the end is passed over.
            long skipped = capacity - offset < bytes ? capacity - offset : 0;
            long end = tail + skipped + bytes;
            boolean fits = end - (long) LONG.getAcquire(positions, SEEN_HEAD) <= capacity || hasRoom(end);
            if (tail < 0 || !fits) {
                return FULL;
            }
            if (LONG.compareAndSet(positions, TAIL, tail, end)) {
                if (skipped > 0) {
                    LONG.setRelease(memory, offset, skipped | SKIP);
                    return 0;
                }
                return offset;
            }
        }
    }

    private boolean hasRoom(long end) {
        long now = (long) LONG.getAcquire(positions, HEAD);
        LONG.setRelease(positions, SEEN_HEAD, now);
        return end - now <= capacity;
    }

    /** A claimed message is complete. */
    void publish(long offset, long bytes) {
        LONG.setRelease(memory, offset, bytes);
    }

    /** A claimed message is not to be looked at. */
    void abandon(long offset, long bytes) {
        LONG.setRelease(memory, offset, bytes | SKIP);
    }

    /**
     * {@return bytes of the oldest message, header included; 0 if there is none that is complete} It is at
     * {@link #offset}, until {@link #release}.
     */
    int next() {
        while (true) {
            long header = (long) LONG.getAcquire(memory, head & mask);
            if ((header & SKIP) == 0) {
                return (int) header;
            }
            // What was passed over at the end holds nothing but its header; an abandoned one may.
            free((int) header);
        }
    }

    /** Where the message of {@link #next} begins. */
    long offset() {
        return head & mask;
    }

    /** The message of {@link #next} is done with. */
    void release(int bytes) {
        free(bytes);
    }

    private void free(int bytes) {
        memory.asSlice(head & mask, bytes).fill((byte) 0);
        head += bytes;
        LONG.setRelease(positions, HEAD, head);
    }

    /** Refuses all messages from now on but those that are claimed already. */
    void close() {
        long tail;
        do {
            tail = (long) LONG.getVolatile(positions, TAIL);
        } while (!LONG.compareAndSet(positions, TAIL, tail, tail | CLOSED));
    }

    /** Takes messages again after {@link #close}. */
    void open() {
        long tail;
        do {
            tail = (long) LONG.getVolatile(positions, TAIL);
        } while (!LONG.compareAndSet(positions, TAIL, tail, tail & ~CLOSED));
    }

    /** Whether there is nothing left, nor anything claimed. For the taker. */
    boolean isEmpty() {
        return ((long) LONG.getVolatile(positions, TAIL) & ~CLOSED) == head;
    }
}
