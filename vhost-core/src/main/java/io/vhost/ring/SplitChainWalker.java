package io.vhost.ring;

import static io.vhost.ring.Descriptors.DESC_F_INDIRECT;
import static io.vhost.ring.Descriptors.DESC_F_NEXT;
import static io.vhost.ring.Descriptors.DESC_F_WRITE;
import static io.vhost.ring.Descriptors.DESC_SIZE;

import io.vhost.state.RingViolation;
import java.lang.foreign.MemorySegment;

/**
 * Follows one chain of a split ring from descriptor to descriptor and through an indirect table
 * (virtio 1.2, 2.7.5). Nothing that a driver writes makes it loop.
 *
 * <p>Thread: that of its ring. Each descriptor is read once, so that one which changes meanwhile is never
 * checked in one version and used in another.
 */
final class SplitChainWalker {
    private final MemorySegment memory;
    private final long desc;
    private final int size;
    private final ChainBuilder chain;

    /**
     * A walker for one ring.
     *
     * @param memory the guest's memory window
     * @param desc offset of the descriptor table in the window
     * @param size entries of the ring
     * @param chain takes the buffers
     */
    SplitChainWalker(MemorySegment memory, long desc, int size, ChainBuilder chain) {
        this.memory = memory;
        this.desc = desc;
        this.size = size;
        this.chain = chain;
    }

    /**
     * Hands the buffers of one chain to the builder.
     *
     * @param head index of the chain's first descriptor, below the ring's size
     * @return false when the builder refused, or the chain broke a rule, which the builder then knows
     */
    boolean walk(int head) {
        long table = desc;
        int entries = size;
        int index = head;
        boolean inTable = false;
        // A chain visits each entry of its table at most once; more hops mean that it loops.
        for (int hops = 0; hops < entries; hops++) {
            long entry = table + (long) DESC_SIZE * index;
            long address = Descriptors.address(memory, entry);
            long word = Descriptors.word(memory, entry);
            int flags = SplitLayout.flags(word);
            long length = Descriptors.length(word);
            boolean continued = (flags & DESC_F_NEXT) != 0;
            if ((flags & DESC_F_INDIRECT) != 0) {
                table = chain.indirectTable(address, length, inTable, continued);
                if (table == ChainBuilder.REFUSED) {
                    return false;
                }
                inTable = true;
                entries = (int) (length / DESC_SIZE);
                index = 0;
                hops = -1;
                continue;
            }
            if (!chain.add(address, length, (flags & DESC_F_WRITE) != 0)) {
                return false;
            }
            if (!continued) {
                return true;
            }
            index = SplitLayout.next(word);
            if (index >= entries) {
                return chain.refuse(RingViolation.NEXT_OUT_OF_RANGE, index);
            }
        }
        return chain.refuse(RingViolation.CHAIN_TOO_LONG, head);
    }
}
