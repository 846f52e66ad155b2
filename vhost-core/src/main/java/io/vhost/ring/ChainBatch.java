package io.vhost.ring;

import java.util.Arrays;

/**
 * The buffer chains of one burst, gathered from a ring:
 * validated, translated and ready to be copied from or to.
 *
 * <p>A chain is a run of buffers; buffers are byte offsets and lengths in the guest's memory window. Kept as
 * parallel arrays and used again for every burst, so that a burst allocates nothing. Not thread safe: it
 * belongs to one queue and is used under that queue's lock. The contents are valid until the ring publishes
 * the batch or takes chains back.
 */
public final class ChainBatch {
    /**
     * Longest chain accepted through an indirect table when the ring itself is shorter,
     * as other devices have it.
     */
    static final int MAX_INDIRECT = 1024;

    final int[] head;
    // By chain; firstBuffer[i] == i until a chain of several buffers comes, which is rare: see shift.
    final int[] firstBuffer;
    final int[] written;
    final long[] bufferOffset;
    final int[] bufferLength;
    int chains;
    int buffers;
    /** Descriptors without bytes among them. They take room too: it is what bounds the work of a burst. */
    int empty;
    boolean shifted;
    /** The next chain of the ring has more descriptors than are left here. */
    boolean full;

    /**
     * A batch for rings of {@code size} entries.
     *
     * @param size entries of the ring
     */
    public ChainBatch(int size) {
        // Twice the longest chain: a buffer may need two entries where it crosses
        // from one memory region to the next.
        int bufferCapacity = 2 * Math.max(size, MAX_INDIRECT);
        head = new int[size];
        firstBuffer = new int[size + 1];
        written = new int[size];
        bufferOffset = new long[bufferCapacity];
        bufferLength = new int[bufferCapacity];
        Arrays.setAll(firstBuffer, i -> i);
    }

    /** {@return whether each chain has exactly one buffer, which then has the chain's number} */
    public boolean isPlain() {
        return buffers == chains;
    }

    /** Most buffers that the chains of a batch can have together, those without bytes included. */
    public int bufferCapacity() {
        return bufferOffset.length;
    }

    /** Number of chains gathered. */
    public int chains() {
        return chains;
    }

    /** Index of the first buffer of {@code chain}. */
    public int firstBuffer(int chain) {
        return firstBuffer[chain];
    }

    /** Index after the last buffer of {@code chain}. */
    public int endBuffer(int chain) {
        return firstBuffer[chain + 1];
    }

    /** Bytes in all buffers of {@code chain}. */
    public long length(int chain) {
        int end = firstBuffer[chain + 1];
        long length = 0;
        for (int i = firstBuffer[chain]; i < end; i++) {
            length += bufferLength[i];
        }
        return length;
    }

    /** Offset in the guest's memory window at which {@code buffer} begins. */
    public long bufferOffset(int buffer) {
        return bufferOffset[buffer];
    }

    /** Bytes of {@code buffer}, at least 1. */
    public int bufferLength(int buffer) {
        return bufferLength[buffer];
    }

    /**
     * Sets what the driver is told about {@code chain}: how many bytes the device wrote into it.
     *
     * @param chain index of the chain
     * @param bytes bytes written from the chain's beginning; 0 where the device only read
     */
    public void written(int chain, int bytes) {
        written[chain] = bytes;
    }

    /** Whether chains are available that this batch has no room for: use or take back what it holds first. */
    public boolean isFull() {
        return full;
    }

    /** Adds a chain of the buffers that were added since the last one. */
    void addChain(int chainHead, int first) {
        shifted = true;
        head[chains] = chainHead;
        firstBuffer[chains++] = first;
        firstBuffer[chains] = buffers;
    }

    /** Adds chains of one buffer each, whose heads and buffers are in place. */
    void addPlainChains(int count) {
        if (shifted) {
            for (int i = 1; i <= count; i++) {
                firstBuffer[chains + i] = buffers + i;
            }
        }
        chains += count;
        buffers += count;
    }

    void clear() {
        if (shifted) {
            Arrays.setAll(firstBuffer, i -> i);
            shifted = false;
        }
        chains = 0;
        buffers = 0;
        empty = 0;
        full = false;
    }

    boolean hasRoom() {
        return buffers + empty < bufferOffset.length;
    }
}
