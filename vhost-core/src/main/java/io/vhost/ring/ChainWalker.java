package io.vhost.ring;

import static io.vhost.ring.SplitLayout.DESC_F_INDIRECT;
import static io.vhost.ring.SplitLayout.DESC_F_NEXT;
import static io.vhost.ring.SplitLayout.DESC_F_WRITE;
import static io.vhost.ring.SplitLayout.DESC_SIZE;

import io.vhost.memory.AddressTranslator;
import java.lang.foreign.MemorySegment;

/**
 * Follows one chain of a split ring from descriptor to descriptor, through an indirect table and across
 * memory regions, and validates each step (virtio 1.2, 2.7.5). Nothing that a driver writes makes it loop,
 * throw or leave the memory.
 *
 * <p>Thread: that of its ring. Each descriptor is read once, so that one which changes meanwhile is never
 * checked in one version and used in another.
 */
final class ChainWalker {
    /** {@link #walk}: the batch has no room for the chain, or the chain broke a rule, which is then noted. */
    static final long STOPPED = -1;

    private final MemorySegment memory;
    private final AddressTranslator translator;
    private final long desc;
    private final int size;
    private final int directionFlag;
    private final boolean indirect;

    private RingViolation violation;
    private long violationDetail;

    /**
     * A walker for one ring.
     *
     * @param memory the guest's memory window
     * @param translator of the same memory
     * @param desc offset of the descriptor table in the window
     * @param size entries of the ring
     * @param options negotiated features and direction
     */
    ChainWalker(
            MemorySegment memory, AddressTranslator translator, long desc, int size, RingOptions options) {
        this.memory = memory;
        this.translator = translator;
        this.desc = desc;
        this.size = size;
        this.directionFlag = options.deviceWrites() ? DESC_F_WRITE : 0;
        this.indirect = options.indirect();
    }

    /** {@return the flags that each buffer of this ring has, apart from the one that continues the chain} */
    int directionFlag() {
        return directionFlag;
    }

    /** {@return the rule that the driver broke, or null} */
    RingViolation violation() {
        return violation;
    }

    /** {@return the offending value: an index, address or length} */
    long violationDetail() {
        return violationDetail;
    }

    /**
     * Adds the buffers of one chain to a batch;
     * after {@link #STOPPED} the caller removes those that were added.
     *
     * @param batch receives the buffers
     * @param head index of the chain's first descriptor, below the ring's size
     * @return bytes in the chain, or {@link #STOPPED}
     */
    long walk(ChainBatch batch, int head) {
        long table = desc;
        int entries = size;
        int index = head;
        boolean inTable = false;
        long total = 0;
        // A chain visits each entry of its table at most once; more hops mean that it loops.
        for (int hops = 0; hops < entries; hops++) {
            long entry = table + (long) DESC_SIZE * index;
            long address = SplitLayout.descAddress(memory, entry);
            long word = SplitLayout.descWord(memory, entry);
            int flags = SplitLayout.flags(word);
            if ((flags & DESC_F_INDIRECT) != 0) {
                if (!indirectIsValid(address, word, inTable)) {
                    return STOPPED;
                }
                inTable = true;
                table = translator.translate(address, SplitLayout.length(word));
                entries = (int) (SplitLayout.length(word) / DESC_SIZE);
                index = 0;
                hops = -1;
                continue;
            }
            if ((flags & DESC_F_WRITE) != directionFlag) {
                return stop(RingViolation.WRONG_DIRECTION, index);
            }
            total += SplitLayout.length(word);
            if (total >= 1L << 32) {
                return stop(RingViolation.CHAIN_TOO_LARGE, total);
            }
            if (!addBuffer(batch, address, SplitLayout.length(word))) {
                return STOPPED;
            }
            if ((flags & DESC_F_NEXT) == 0) {
                return total;
            }
            index = SplitLayout.next(word);
            if (index >= entries) {
                return stop(RingViolation.NEXT_OUT_OF_RANGE, index);
            }
        }
        return stop(RingViolation.CHAIN_TOO_LONG, head);
    }

    private boolean indirectIsValid(long address, long word, boolean nested) {
        long bytes = SplitLayout.length(word);
        if (!indirect) {
            return refuse(RingViolation.INDIRECT_NOT_NEGOTIATED, address);
        }
        if (nested) {
            return refuse(RingViolation.NESTED_INDIRECT, address);
        }
        if ((SplitLayout.flags(word) & DESC_F_NEXT) != 0) {
            return refuse(RingViolation.INDIRECT_WITH_NEXT, address);
        }
        long most = (long) DESC_SIZE * Math.max(size, ChainBatch.MAX_INDIRECT);
        if (bytes == 0 || bytes % DESC_SIZE != 0 || bytes > most) {
            return refuse(RingViolation.INDIRECT_TABLE_SIZE, bytes);
        }
        if (translator.translate(address, bytes) < 0) {
            return refuse(RingViolation.INDIRECT_TABLE_UNMAPPED, address);
        }
        return true;
    }

    /**
     * Adds one descriptor's buffer, in pieces where it crosses from one memory region into the next. One
     * without bytes is counted only: a driver could make every chain of the ring as long as the ring with
     * them, at no cost to itself.
     */
    private boolean addBuffer(ChainBatch batch, long address, long length) {
        if (length > 0 && Long.compareUnsigned(address + length - 1, address) < 0) {
            return refuse(RingViolation.BUFFER_UNMAPPED, address);
        }
        if (length == 0) {
            if (!batch.hasRoom()) {
                return stopFull(batch);
            }
            batch.empty++;
            return true;
        }
        long rest = length;
        while (rest > 0) {
            long position = address + (length - rest);
            long piece = Math.min(Math.min(rest, Integer.MAX_VALUE), translator.contiguousLength(position));
            long offset = piece == 0 ? -1 : translator.translate(position, piece);
            if (offset < 0) {
                return refuse(RingViolation.BUFFER_UNMAPPED, position);
            }
            if (!batch.hasRoom()) {
                return stopFull(batch);
            }
            batch.bufferOffset[batch.buffers] = offset;
            batch.bufferLength[batch.buffers++] = (int) piece;
            rest -= piece;
        }
        return true;
    }

    /**
     * With chains before it in the batch, a chain that has no room there only has to wait for the next one.
     */
    private boolean stopFull(ChainBatch batch) {
        batch.full = true;
        return batch.chains == 0 && refuse(RingViolation.CHAIN_TOO_LONG, batch.buffers);
    }

    private long stop(RingViolation rule, long detail) {
        refuse(rule, detail);
        return STOPPED;
    }

    private boolean refuse(RingViolation rule, long detail) {
        violation = rule;
        violationDetail = detail;
        return false;
    }
}
