package io.vhost.ring;

import static io.vhost.ring.Descriptors.DESC_F_INDIRECT;
import static io.vhost.ring.Descriptors.DESC_F_NEXT;
import static io.vhost.ring.Descriptors.DESC_F_WRITE;
import static io.vhost.ring.Descriptors.DESC_SIZE;

import io.vhost.state.RingViolation;
import java.lang.foreign.MemorySegment;

/**
 * Follows one chain of a packed ring from descriptor to descriptor and through an indirect table (virtio 1.2,
 * 2.8.6 and 2.8.7). Nothing that a driver writes makes it loop.
 *
 * <p>Thread: that of its ring. Each descriptor is read once, so that one which changes meanwhile is never
 * checked in one version and used in another.
 */
final class PackedChainWalker {
    private final MemorySegment memory;
    private final long desc;
    private final int size;
    private final ChainBuilder chain;

    private int id;
    private int descriptors;

    /**
     * A walker for one ring.
     *
     * @param memory the guest's memory window
     * @param desc offset of the descriptor ring in the window
     * @param size entries of the ring
     * @param chain takes the buffers
     */
    PackedChainWalker(MemorySegment memory, long desc, int size, ChainBuilder chain) {
        this.memory = memory;
        this.desc = desc;
        this.size = size;
        this.chain = chain;
    }

    /** {@return the buffer id of the chain that was walked} Its last descriptor has it (2.8.6). */
    int id() {
        return id;
    }

    /** {@return how many descriptors of the ring that chain takes} */
    int descriptors() {
        return descriptors;
    }

    /**
     * Hands the buffers of one chain to the builder. Descriptors behind the first are available with it,
     * whatever their flags say of that (2.8.17).
     *
     * @param head position of the chain's first descriptor
     * @param headWord its word, which was read with an acquire
     * @param most descriptors of the ring that the chain can have, at least 1
     * @return false when the builder refused, or the chain broke a rule, which the builder then knows
     */
    boolean walk(int head, long headWord, int most) {
        int position = head;
        long word = headWord;
        descriptors = 1;
        while (addDescriptor(desc + (long) DESC_SIZE * position, word)) {
            if ((PackedLayout.flags(word) & DESC_F_NEXT) == 0) {
                id = PackedLayout.id(word);
                return id < size || chain.refuse(RingViolation.BUFFER_ID_OUT_OF_RANGE, id);
            }
            if (descriptors == most) {
                return chain.refuse(RingViolation.CHAIN_TOO_LONG, head);
            }
            descriptors++;
            position = position + 1 == size ? 0 : position + 1;
            word = Descriptors.word(memory, desc + (long) DESC_SIZE * position);
        }
        return false;
    }

    /** One of the ring. Other than in a split ring a table must be the chain's only descriptor (2.8.19). */
    private boolean addDescriptor(long entry, long word) {
        int flags = PackedLayout.flags(word);
        long address = Descriptors.address(memory, entry);
        long length = Descriptors.length(word);
        if ((flags & DESC_F_INDIRECT) == 0) {
            return chain.add(address, length, (flags & DESC_F_WRITE) != 0);
        }
        boolean linked = descriptors > 1 || (flags & DESC_F_NEXT) != 0;
        long table = chain.indirectTable(address, length, false, linked);
        return table != ChainBuilder.REFUSED && addTable(table, (int) (length / DESC_SIZE));
    }

    /**
     * All entries of a table, in their order. What flags are reserved there are ignored, NEXT above all
     * (2.8.7), but for that of a table in a table: no driver can mean it as a buffer (2.8.19).
     */
    private boolean addTable(long table, int entries) {
        for (int i = 0; i < entries; i++) {
            long entry = table + (long) DESC_SIZE * i;
            long address = Descriptors.address(memory, entry);
            long word = Descriptors.word(memory, entry);
            int flags = PackedLayout.flags(word);
            long length = Descriptors.length(word);
            if ((flags & DESC_F_INDIRECT) != 0) {
                return chain.refuse(RingViolation.NESTED_INDIRECT, address);
            }
            if (!chain.add(address, length, (flags & DESC_F_WRITE) != 0)) {
                return false;
            }
        }
        return true;
    }
}
