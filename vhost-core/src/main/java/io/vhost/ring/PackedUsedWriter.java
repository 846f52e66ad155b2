package io.vhost.ring;

import static io.vhost.ring.Descriptors.DESC_F_WRITE;
import static io.vhost.ring.Descriptors.DESC_SIZE;

import java.lang.foreign.MemorySegment;

/**
 * Writes used descriptors into a packed ring (virtio 1.2, 2.8.5), all but the first: the driver looks at no
 * other before that one. Thread: that of its ring.
 */
final class PackedUsedWriter {
    private static final int BOTH = PackedLayout.DESC_F_AVAIL | PackedLayout.DESC_F_USED;

    private final MemorySegment memory;
    private final long desc;
    private final int size;

    PackedUsedWriter(MemorySegment memory, long desc, int size) {
        this.memory = memory;
        this.desc = desc;
        this.size = size;
    }

    /**
     * Writes those of a batch.
     *
     * @param first position of the first used descriptor
     * @param wrap its wrap counter
     * @return how many descriptors of the ring all chains take, the first included
     */
    int write(ChainBatch batch, int first, boolean wrap) {
        MemorySegment memory = this.memory;
        int[] id = batch.id;
        int[] written = batch.written;
        int[] descriptors = batch.descriptors;
        int count = batch.chains;
        int size = this.size;
        int flags = PackedLayout.usedFlags(wrap);
        int position = first;
        int sum = descriptors[0];
        for (int i = 1; i < count; i++) {
            position += descriptors[i - 1];
            if (position >= size) {
                position -= size;
                flags ^= BOTH;
            }
            long word = word(id[i], written[i], flags);
            Descriptors.word(memory, desc + (long) DESC_SIZE * position, word);
            sum += descriptors[i];
        }
        return sum;
    }

    /** The same for chains in flight that are to be given back, at least one. */
    int write(ChainsInFlight chains, int first, boolean wrap) {
        int[] returned = chains.returned;
        int count = chains.returnedCount;
        int flags = PackedLayout.usedFlags(wrap);
        int position = first;
        int sum = chains.descriptors[returned[0]];
        for (int i = 1; i < count; i++) {
            position += chains.descriptors[returned[i - 1]];
            if (position >= size) {
                position -= size;
                flags ^= BOTH;
            }
            int id = returned[i];
            long word = word(id, chains.written[id], flags);
            Descriptors.word(memory, desc + (long) DESC_SIZE * position, word);
            sum += chains.descriptors[id];
        }
        return sum;
    }

    /** A used descriptor's word. The length counts only where the device says that it wrote (2.8.4). */
    static long word(int id, int written, int flags) {
        return PackedLayout.word(written, id, written == 0 ? flags : flags | DESC_F_WRITE);
    }
}
