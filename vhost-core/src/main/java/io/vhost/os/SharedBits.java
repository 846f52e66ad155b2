package io.vhost.os;

import java.lang.foreign.MemorySegment;

/**
 * Sets bits in memory that other processes change at the same time and whose pages one of them may take away.
 *
 * <p>An atomic instruction of this process would do, but for two things: where the page is gone the fault
 * ends the process in code that the JVM has not compiled, and a read and a write apart lose bits that another
 * process sets between them. The kernel's own atomic operation on a futex word ({@code futex(2)},
 * {@code FUTEX_WAKE_OP}, {@code FUTEX_OP_OR}) has neither: a page that is gone is an error number. It costs a
 * system call.
 *
 * <p>Thread: any.
 */
public final class SharedBits {
    private static final long WORD_SIZE = Integer.BYTES;
    /** linux/futex.h: {@code FUTEX_OP_OR | FUTEX_OP_OPARG_SHIFT}, and the place of the number of the bit. */
    private static final long OR_ONE_BIT = 9L << 28;
    private static final int BIT_SHIFT = 12;

    private SharedBits() {}

    /**
     * Sets one bit, atomically with respect to every thread and process; ordered after all that the calling
     * thread has written.
     *
     * @param bits native memory, aligned to 4 bytes; a little-endian bitmap
     * @param bit its number, from 0
     * @throws InternalError if the memory is gone, as for every other access to it, or the kernel has no such
     *     operation
     */
    public static void set(MemorySegment bits, long bit) {
        MemorySegment word = bits.asSlice(bit / Integer.SIZE * WORD_SIZE, WORD_SIZE);
        long operation = OR_ONE_BIT | (bit & (Integer.SIZE - 1)) << BIT_SHIFT;
        if (Libc.futexWakeOpWithoutErrno(word, operation) < 0) {
            failed(word, operation);
        }
    }

    /** Once more, for the reason: the bit may be set twice. */
    private static void failed(MemorySegment word, long operation) {
        int result = Libc.futexWakeOp(word, operation);
        if (result < 0) {
            throw new InternalError(
                    "a bit at 0x%x could not be set".formatted(word.address()),
                    new OsException("futex(FUTEX_WAKE_OP)", -result));
        }
    }
}
