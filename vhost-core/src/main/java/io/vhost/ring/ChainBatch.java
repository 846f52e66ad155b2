package io.vhost.ring;

import java.util.Arrays;

/**
 * The buffer chains of one burst, gathered from a ring:
 * validated, translated and ready to be copied from or to.
 *
 * <p>A chain is a run of buffers; buffers are byte offsets and lengths in the guest's memory window. Kept as
 * parallel arrays and used again for every burst, so that a burst allocates nothing. A chain's
 * device-readable buffers come before those that the device writes. Not thread safe: it belongs to one queue
 * and is used under that queue's lock. The contents are valid until the ring publishes the batch or takes
 * chains back.
 */
public final class ChainBatch {
    /**
     * Longest chain accepted through an indirect table when the ring itself is shorter,
     * as other devices have it.
     */
    static final int MAX_INDIRECT = 1024;

    /** By chain: what names it to the driver, its head's index in a split ring, its buffer id in a packed. */
    final int[] id;
    // By chain; of no chain but plain ones until one of several buffers comes, which is rare: see shifted.
    final int[] firstBuffer;
    final int[] firstWritable;
    /** By chain: descriptors that it takes in a packed ring; 1 in a split one, whose index counts chains. */
    final int[] descriptors;
    final int[] written;
    /** By chain of several buffers: the bytes in them. */
    final long[] length;
    final long[] bufferOffset;
    final int[] bufferLength;
    int chains;
    int buffers;
    /** Device-readable buffers among them. */
    int readable;
    /** Readable buffers of each plain chain: 0 or 1. */
    int plainReadable;
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
        id = new int[size];
        firstBuffer = new int[size + 1];
        firstWritable = new int[size];
        descriptors = new int[size];
        written = new int[size];
        length = new long[size];
        bufferOffset = new long[bufferCapacity];
        bufferLength = new int[bufferCapacity];
        Arrays.setAll(firstBuffer, i -> i);
        Arrays.fill(descriptors, 1);
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

    /**
     * Index of the first buffer of {@code chain} that the device writes; those before it are read only
     * (virtio 1.2, 2.7.4.2). {@link #endBuffer} where there is none.
     */
    public int firstWritable(int chain) {
        return shifted ? firstWritable[chain] : chain + plainReadable;
    }

    /**
     * Whether all buffers of all chains go one way.
     *
     * @param deviceWrites the device writes them all; false: it reads them all
     */
    public boolean isOneWay(boolean deviceWrites) {
        return readable == (deviceWrites ? 0 : buffers);
    }

    /** What names {@code chain} to the driver, below the ring's size: its head's index, or its buffer id. */
    public int id(int chain) {
        return id[chain];
    }

    /** Ring entries that a run of chains takes: chains in a split ring, descriptors in a packed one. */
    public int descriptors(int from, int to) {
        int sum = 0;
        for (int i = from; i < to; i++) {
            sum += descriptors[i];
        }
        return sum;
    }

    /** Bytes in all buffers of {@code chain}. */
    public long length(int chain) {
        int first = firstBuffer[chain];
        return firstBuffer[chain + 1] - first == 1 ? bufferLength[first] : length[chain];
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

    /** What was set with {@link #written(int, int)}. */
    public int written(int chain) {
        return written[chain];
    }

    /** Whether chains are available that this batch has no room for: use or take back what it holds first. */
    public boolean isFull() {
        return full;
    }

    /**
     * Adds a chain of the buffers that were added since the last one.
     *
     * @param chainId what names it to the driver
     * @param first index of its first buffer
     * @param chainReadable how many of its buffers, from the first, the device reads
     * @param ringDescriptors how many descriptors of the ring it takes
     * @param bytes in its buffers
     */
    void addChain(int chainId, int first, int chainReadable, int ringDescriptors, long bytes) {
        for (int i = 0; !shifted && i < chains; i++) {
            firstWritable[i] = i + plainReadable;
        }
        shifted = true;
        id[chains] = chainId;
        firstBuffer[chains] = first;
        firstWritable[chains] = first + chainReadable;
        length[chains] = bytes;
        descriptors[chains++] = ringDescriptors;
        firstBuffer[chains] = buffers;
        readable += chainReadable;
    }

    /**
     * Adds chains of one buffer and one descriptor each, whose ids and buffers are in place.
     *
     * @param count how many
     * @param eachReadable device-readable buffers of each, 0 or 1; the same in all calls for one ring
     */
    void addPlainChains(int count, int eachReadable) {
        if (shifted) {
            for (int i = 0; i < count; i++) {
                firstWritable[chains + i] = buffers + i + eachReadable;
                firstBuffer[chains + i + 1] = buffers + i + 1;
            }
        }
        plainReadable = eachReadable;
        readable += count * eachReadable;
        chains += count;
        buffers += count;
    }

    /** Removes the last chains; how many descriptors of the ring they take. */
    int removeChains(int count) {
        int left = chains - count;
        int removed = 0;
        for (int i = left; i < chains; i++) {
            removed += descriptors[i];
            readable -= firstWritable(i) - firstBuffer[i];
            descriptors[i] = 1;
        }
        buffers = firstBuffer[left];
        forget(left + 1, chains);
        chains = left;
        empty = left == 0 ? 0 : empty;
        full &= count == 0;
        return removed;
    }

    void clear() {
        if (shifted) {
            Arrays.fill(descriptors, 0, chains, 1);
            forget(1, chains);
            shifted = false;
        }
        chains = 0;
        buffers = 0;
        readable = 0;
        empty = 0;
        full = false;
    }

    /** Only what was touched: the work of a burst must not grow with the ring. */
    private void forget(int from, int to) {
        for (int i = from; i <= to && shifted; i++) {
            firstBuffer[i] = i;
        }
    }

    boolean hasRoom() {
        return buffers + empty < bufferOffset.length;
    }
}
