package io.vhost.ring;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/**
 * What descriptors of both ring formats have in common (virtio 1.2, 2.7.5 and 2.8.13): eight bytes of
 * address, then a word of length, and of flags and an index or id in an order of the format's own.
 *
 * <p>The word is read and written at once, so that a driver that changes it meanwhile cannot show us two
 * versions.
 */
final class Descriptors {
    /** Bytes of a descriptor, in the ring and in an indirect table. */
    static final int DESC_SIZE = 16;

    /** Another descriptor of the chain follows. */
    static final int DESC_F_NEXT = 1;
    /** The device writes the buffer. */
    static final int DESC_F_WRITE = 2;
    /** The buffer holds a table of descriptors. */
    static final int DESC_F_INDIRECT = 4;

    private static final MemoryLayout LAYOUT = MemoryLayout.structLayout(
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(LITTLE_ENDIAN).withName("address"),
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(LITTLE_ENDIAN).withName("word"));
    // Handles of one struct share one bounds check of the whole struct. Indirect tables may lie anywhere, so
    // these do not ask for an alignment; where there is one, the access is a single one all the same.
    private static final VarHandle ADDRESS =
            LAYOUT.varHandle(groupElement("address")).withInvokeExactBehavior();
    private static final VarHandle WORD = LAYOUT.varHandle(groupElement("word")).withInvokeExactBehavior();

    private Descriptors() {}

    /** Bytes of so many descriptors. */
    static long bytes(int count) {
        return (long) DESC_SIZE * count;
    }

    static long address(MemorySegment memory, long desc) {
        return (long) ADDRESS.get(memory, desc);
    }

    static void address(MemorySegment memory, long desc, long address) {
        ADDRESS.set(memory, desc, address);
    }

    static long word(MemorySegment memory, long desc) {
        return (long) WORD.get(memory, desc);
    }

    static void word(MemorySegment memory, long desc, long word) {
        WORD.set(memory, desc, word);
    }

    static void put(MemorySegment memory, long desc, long address, long word) {
        ADDRESS.set(memory, desc, address);
        WORD.set(memory, desc, word);
    }

    /** Bytes of the buffer, from the word: 0 to 2^32-1. */
    static long length(long word) {
        return word & 0xFFFF_FFFFL;
    }
}
