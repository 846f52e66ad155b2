package io.vhost.memory;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The one way to copy packet data between native segments, at any alignment and length. Stateless, thread
 * safe.
 *
 * <p>It is a call of {@link MemorySegment#copy} in the form that is fast for every packet, which two details
 * decide:
 *
 * <ul>
 *   <li>The form with layouts goes to the processor's widest moves for any length. The form without them
 *       copies less than 64 bytes in a loop of single longs, and the commonest frames on a network have 60.
 *   <li>A call on each segment comes first. {@code MemorySegment.copy} is static, so the compiler knows the
 *       class of its arguments only from what all callers in the process passed: once an app has copied from
 *       arrays of a few kinds, each copy takes several times as long. The calls here profile what this method
 *       is given.
 * </ul>
 *
 * Loops of longs, unrolled or not, are slower (NativeCopyBenchmark has them). The vector API, which a library
 * cannot ask its users to enable, saves a nanosecond for packets of one length up to 128 bytes and loses more
 * than that for mixed lengths.
 */
public final class NativeCopy {
    private NativeCopy() {}

    /**
     * Copies bytes. Small enough to be inlined: load the segments into locals before a loop over a burst, so
     * that their checks leave the loop.
     *
     * @param source native memory
     * @param sourceOffset of the first byte
     * @param target native memory; may be the source, and the ranges may overlap
     * @param targetOffset of the first byte
     * @param length bytes, 0 or more
     * @throws IndexOutOfBoundsException if a range is not inside its segment, or the length is negative
     * @throws IllegalArgumentException if a segment is not native, or the target is read-only
     */
    public static void copy(
            MemorySegment source, long sourceOffset, MemorySegment target, long targetOffset, int length) {
        if (!source.isNative() || !target.isNative()) {
            throw new IllegalArgumentException("packet data is copied between native segments only: " + source
                    + " to " + target);
        }
        MemorySegment.copy(source, ValueLayout.JAVA_BYTE, sourceOffset,
                target, ValueLayout.JAVA_BYTE, targetOffset, length);
    }
}
