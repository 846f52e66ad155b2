package io.vhost.ring;

import java.lang.foreign.MemorySegment;

/**
 * The base of a packed ring as vhost-user has it in SET_VRING_BASE and GET_VRING_BASE: 32 bits, in the low
 * half the position and wrap counter of the next chain to take, in the high half those of the next one to
 * give back, each as {@link PackedLayout#offWrap} codes them.
 *
 * <p>Older front-ends know only the low half and leave the other 0, which then means the same position.
 */
final class PackedBase {
    /** Both ends at position 0 with wrap counter 1. */
    static final int START = of(PackedLayout.offWrap(0, true));

    private PackedBase() {}

    /** A device that holds no chains, or that lets go of those it holds. */
    static int of(int offWrap) {
        return offWrap << 16 | offWrap;
    }

    static int avail(int base) {
        return base & 0xFFFF;
    }

    static int used(int base) {
        int high = base >>> 16;
        return high == 0 ? avail(base) : high;
    }

    /**
     * As {@link RingFormat#isBehind}: looks for descriptors that are marked as used on a lap that is still to
     * come. Devices alone mark them so, drivers overwrite them in their turn, and no device is at work.
     */
    static boolean isBehind(MemorySegment memory, long desc, int size, int base) {
        int next = PackedLayout.position(used(base));
        boolean wrap = PackedLayout.wrap(used(base));
        for (int i = 0; i < size; i++) {
            long word = Descriptors.word(memory, desc + (long) Descriptors.DESC_SIZE * i);
            // Of memory that was only cleared nothing is known.
            if (word != 0 && PackedLayout.isUsed(word, i >= next ? wrap : !wrap)) {
                return true;
            }
        }
        return false;
    }

    /** As {@link RingFormat#refusal}. */
    static String refusal(int base, int size) {
        if (size == 0) {
            return null;
        }
        int avail = PackedLayout.position(avail(base));
        int used = PackedLayout.position(used(base));
        if (avail >= size || used >= size) {
            return "base 0x%08x has positions %d and %d, which are not both below the ring size %d"
                    .formatted(base, avail, used, size);
        }
        int between = PackedLayout.distance(used(base), avail(base), size);
        return between <= size ? null
                : "base 0x%08x has %d descriptors with the device, which are more than the ring size %d"
                        .formatted(base, between, size);
    }
}
