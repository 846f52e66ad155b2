package io.vhost.ring;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/**
 * Layout of a split ring in memory (virtio 1.2, 2.7), and the only accessors to its fields.
 *
 * <pre>
 * descriptor, 16 bytes             driver area                     device area
 *  0  le64 address                  0  le16 flags                   0  le16 flags
 *  8  le32 length                   2  le16 idx                     2  le16 idx
 * 12  le16 flags                    4  le16 ring[size]              4  { le32 id, le32 len } ring[size]
 * 14  le16 next                     4 + 2*size  le16 used_event     4 + 8*size  le16 avail_event
 * </pre>
 *
 * <p>The accessors take the segment and an absolute byte offset: one segment serves the ring, the tables and
 * the buffers, so that its bounds stay in registers for a whole burst. The last eight bytes of a descriptor
 * are read as one word, so that a driver that changes them meanwhile cannot show us two versions.
 *
 * <p>Stores are plain, those that publish behind a release fence: where the file behind the memory was
 * truncated the virtual machine turns a plain store into an error, but aborts at an ordered store of two
 * bytes in interpreted code.
 */
final class SplitLayout {
    /** Alignment of the driver area, in bytes. */
    static final int AVAIL_ALIGNMENT = 2;
    /** Alignment of the device area, in bytes. */
    static final int USED_ALIGNMENT = 4;

    static final int AVAIL_F_NO_INTERRUPT = 1;
    static final int USED_F_NO_NOTIFY = 1;

    private static final long IDX = 2;
    private static final long RING = 4;

    // Used elements are 4-byte aligned only, so the 8-byte handle must not ask for more;
    // it has plain access alone.
    private static final VarHandle LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(LITTLE_ENDIAN).varHandle().withInvokeExactBehavior();
    private static final VarHandle SHORT =
            ValueLayout.JAVA_SHORT.withOrder(LITTLE_ENDIAN).varHandle().withInvokeExactBehavior();

    private SplitLayout() {}

    /** Bytes of the driver area of a ring with {@code size} entries, used_event included. */
    static long availBytes(int size) {
        return RING + 2L * size + 2;
    }

    /** Bytes of the device area of a ring with {@code size} entries, avail_event included. */
    static long usedBytes(int size) {
        return RING + 8L * size + 2;
    }

    static long word(int length, int flags, int next) {
        return (length & 0xFFFF_FFFFL) | (long) flags << 32 | (long) next << 48;
    }

    static int flags(long word) {
        return (int) (word >>> 32) & 0xFFFF;
    }

    static int next(long word) {
        return (int) (word >>> 48);
    }

    static int availIdxAcquire(MemorySegment memory, long avail) {
        return (short) SHORT.getAcquire(memory, avail + IDX) & 0xFFFF;
    }

    static int availIdx(MemorySegment memory, long avail) {
        return (short) SHORT.get(memory, avail + IDX) & 0xFFFF;
    }

    static void availIdxRelease(MemorySegment memory, long avail, int idx) {
        VarHandle.releaseFence();
        SHORT.set(memory, avail + IDX, (short) idx);
    }

    static int availFlags(MemorySegment memory, long avail) {
        return (short) SHORT.getOpaque(memory, avail) & 0xFFFF;
    }

    static void availFlags(MemorySegment memory, long avail, int flags) {
        SHORT.set(memory, avail, (short) flags);
    }

    static int availEntry(MemorySegment memory, long avail, int slot) {
        return (short) SHORT.get(memory, avail + RING + 2L * slot) & 0xFFFF;
    }

    static void availEntry(MemorySegment memory, long avail, int slot, int head) {
        SHORT.set(memory, avail + RING + 2L * slot, (short) head);
    }

    static int usedEvent(MemorySegment memory, long avail, int size) {
        return (short) SHORT.getOpaque(memory, avail + RING + 2L * size) & 0xFFFF;
    }

    static void usedEvent(MemorySegment memory, long avail, int size, int idx) {
        SHORT.set(memory, avail + RING + 2L * size, (short) idx);
    }

    static int usedIdxAcquire(MemorySegment memory, long used) {
        return (short) SHORT.getAcquire(memory, used + IDX) & 0xFFFF;
    }

    static int usedIdx(MemorySegment memory, long used) {
        return (short) SHORT.get(memory, used + IDX) & 0xFFFF;
    }

    static void usedIdxRelease(MemorySegment memory, long used, int idx) {
        VarHandle.releaseFence();
        SHORT.set(memory, used + IDX, (short) idx);
    }

    static int usedFlags(MemorySegment memory, long used) {
        return (short) SHORT.getOpaque(memory, used) & 0xFFFF;
    }

    static void usedFlags(MemorySegment memory, long used, int flags) {
        SHORT.set(memory, used, (short) flags);
    }

    /** Where an element lies in the device area, in bytes. */
    static long usedElementOffset(int slot) {
        return RING + 8L * slot;
    }

    /** Id in the low, written length in the high half. */
    static long usedElement(MemorySegment memory, long used, int slot) {
        return (long) LONG.get(memory, used + RING + 8L * slot);
    }

    static void usedElement(MemorySegment memory, long used, int slot, int id, int length) {
        LONG.set(memory, used + RING + 8L * slot, (id & 0xFFFF_FFFFL) | (long) length << 32);
    }

    static int availEvent(MemorySegment memory, long used, int size) {
        return (short) SHORT.getOpaque(memory, used + RING + 8L * size) & 0xFFFF;
    }

    static void availEvent(MemorySegment memory, long used, int size, int idx) {
        SHORT.set(memory, used + RING + 8L * size, (short) idx);
    }

    /**
     * Whether an index that went from {@code before} to {@code now} passed {@code event} (virtio 1.2, 2.7.7.1
     * and 2.7.10).
     */
    static boolean passed(int event, int before, int now) {
        return ((now - event - 1) & 0xFFFF) < ((now - before) & 0xFFFF);
    }
}
