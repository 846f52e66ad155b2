package io.vhost.ring;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/**
 * Layout of a packed ring in memory (virtio 1.2, 2.8), and the only accessors to its fields.
 *
 * <pre>
 * descriptor, 16 bytes             driver area and device area, 4 bytes each
 *  0  le64 address                  0  le16 position, 15 bits, and wrap counter
 *  8  le32 length                   2  le16 flags
 * 12  le16 id
 * 14  le16 flags
 * </pre>
 *
 * <p>The last eight bytes of a descriptor are always read and written as one word, and so are the four of an
 * event suppression area: what the flags say of the rest is then true of the same version of it. A position
 * is below the ring's size; its wrap counter tells odd laps from even ones and begins as true (2.8.1).
 */
final class PackedLayout {
    /** Bytes of the driver area, and of the device area. */
    static final int EVENT_BYTES = 4;

    /** By 2.8.1: equals the driver's wrap counter where a descriptor is available. */
    static final int DESC_F_AVAIL = 1 << 7;
    /** By 2.8.1: differs from it there; where a descriptor is used, both equal the device's. */
    static final int DESC_F_USED = 1 << 15;

    static final int EVENT_ENABLE = 0;
    static final int EVENT_DISABLE = 1;
    /** Notify for one position; with VIRTIO_F_EVENT_IDX only. */
    static final int EVENT_DESC = 2;

    /** Where the word lies in a descriptor. */
    private static final long WORD = 8;
    private static final int WRAP_BIT = 15;

    private static final VarHandle LONG =
            ValueLayout.JAVA_LONG.withOrder(LITTLE_ENDIAN).varHandle().withInvokeExactBehavior();
    private static final VarHandle INT =
            ValueLayout.JAVA_INT.withOrder(LITTLE_ENDIAN).varHandle().withInvokeExactBehavior();

    private PackedLayout() {}

    static long descWordAcquire(MemorySegment memory, long desc) {
        return (long) LONG.getAcquire(memory, desc + WORD);
    }

    static void descWordRelease(MemorySegment memory, long desc, long word) {
        LONG.setRelease(memory, desc + WORD, word);
    }

    static long word(int length, int id, int flags) {
        return (length & 0xFFFF_FFFFL) | (long) id << 32 | (long) flags << 48;
    }

    static int id(long word) {
        return (int) (word >>> 32) & 0xFFFF;
    }

    static int flags(long word) {
        return (int) (word >>> 48);
    }

    /** Flags that make a descriptor available on a lap with this wrap counter. */
    static int availFlags(boolean wrap) {
        return wrap ? DESC_F_AVAIL : DESC_F_USED;
    }

    /** Flags that make a descriptor used on a lap with this wrap counter. */
    static int usedFlags(boolean wrap) {
        return wrap ? DESC_F_AVAIL | DESC_F_USED : 0;
    }

    static boolean isAvail(long word, boolean wrap) {
        return (flags(word) & (DESC_F_AVAIL | DESC_F_USED)) == availFlags(wrap);
    }

    static boolean isUsed(long word, boolean wrap) {
        return (flags(word) & (DESC_F_AVAIL | DESC_F_USED)) == usedFlags(wrap);
    }

    /** A position and its wrap counter, as they stand in event suppression areas and in a base. */
    static int offWrap(int position, boolean wrap) {
        return position | (wrap ? 1 << WRAP_BIT : 0);
    }

    static int position(int offWrap) {
        return offWrap & ((1 << WRAP_BIT) - 1);
    }

    static boolean wrap(int offWrap) {
        return (offWrap & 1 << WRAP_BIT) != 0;
    }

    /** An event suppression area, read at once: {@link #offWrap} in the low half, flags in the high one. */
    static int event(MemorySegment memory, long area) {
        return (int) INT.getOpaque(memory, area);
    }

    static void event(MemorySegment memory, long area, int offWrap, int flags) {
        INT.setOpaque(memory, area, offWrap | flags << 16);
    }

    static int eventOffWrap(int event) {
        return event & 0xFFFF;
    }

    static int eventFlags(int event) {
        return event >>> 16;
    }

    /** Descriptors from one position on to another, 0 to twice the size less one: laps count modulo two. */
    static int distance(int fromOffWrap, int toOffWrap, int size) {
        int from = position(fromOffWrap) + (wrap(fromOffWrap) ? 0 : size);
        int to = position(toOffWrap) + (wrap(toOffWrap) ? 0 : size);
        return to >= from ? to - from : to - from + 2 * size;
    }
}
