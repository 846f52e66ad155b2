package io.vhost.ring;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.Comparator;

/**
 * What a split ring has in flight, in memory that outlives this process (vhost-user, "Inflight I/O
 * tracking"): the chains that were taken and not given back, in the order in which they were taken.
 *
 * <pre>
 * header, 16 bytes                 by head of a chain, 16 bytes each
 *  0  le64 features                 0  u8 inflight
 *  8  le16 version                  6  le16 next, of the batch that was given back last
 * 10  le16 desc_num                 8  le64 counter
 * 12  le16 last_batch_head
 * 14  le16 used_idx
 * </pre>
 *
 * <p>Thread: that of its ring. The process may end at each store, so that the order of stores is what counts:
 * each step is behind a fence. Read is only in {@link #recover}; from then on the state is kept here as well,
 * and a front-end that writes into the region gains nothing.
 */
final class SplitInflight {
    static final int VERSION = 1;
    /** By no back-end reached; a next one can be counted in any case. */
    static final long MOST_COUNTER = 1L << 62;

    private static final long VERSION_AT = 8;
    private static final long DESC_NUM_AT = 10;
    private static final long LAST_BATCH_HEAD_AT = 12;
    private static final long USED_IDX_AT = 14;
    private static final long ENTRIES_AT = 16;
    private static final long ENTRY_SIZE = 16;
    private static final long NEXT = 6;
    private static final long COUNTER = 8;

    private static final VarHandle BYTE = ValueLayout.JAVA_BYTE.varHandle().withInvokeExactBehavior();
    private static final VarHandle SHORT =
            ValueLayout.JAVA_SHORT.withOrder(LITTLE_ENDIAN).varHandle().withInvokeExactBehavior();
    private static final VarHandle LONG =
            ValueLayout.JAVA_LONG.withOrder(LITTLE_ENDIAN).varHandle().withInvokeExactBehavior();

    private final MemorySegment region;
    private final int size;
    private final ChainState chains;
    private int lastBatchHead;
    private long counter;

    /**
     * The tracking of one ring; {@link #recover} comes first.
     *
     * @param region the queue's part, aligned to 8 bytes, of {@link #bytes}
     * @param size entries of the ring
     */
    SplitInflight(MemorySegment region, int size) {
        this.region = region;
        this.size = size;
        this.chains = new ChainState(size);
    }

    /** Bytes of a queue's part. */
    static long bytes(int size) {
        return ENTRIES_AT + ENTRY_SIZE * size;
    }

    /**
     * Finds out what a predecessor has left in flight, or begins if there was none.
     *
     * @param usedIdx of the ring: a region that nobody has used begins there
     * @return heads of the chains in flight, in the order in which they were taken; null for a region that
     *     contradicts itself, or the ring
     */
    int[] recover(int usedIdx) {
        int version = get16(VERSION_AT);
        if (version == 0) {
            initialise(usedIdx);
            return new int[0];
        }
        if (version != VERSION || get16(DESC_NUM_AT) != size) {
            return null;
        }
        int head = get16(LAST_BATCH_HEAD_AT);
        if (usedIdx != get16(USED_IDX_AT)) {
            int batch = (usedIdx - get16(USED_IDX_AT)) & 0xFFFF;
            if (hasMarks() && !clearBatch(head, batch)) {
                return null;
            }
            VarHandle.storeStoreFence();
            put16(USED_IDX_AT, usedIdx);
        }
        lastBatchHead = head < size ? head : 0;
        return marked();
    }

    private void initialise(int usedIdx) {
        for (int i = 0; i < size; i++) {
            mark(i, (byte) 0);
        }
        put16(DESC_NUM_AT, size);
        put16(LAST_BATCH_HEAD_AT, 0);
        put16(USED_IDX_AT, usedIdx);
        VarHandle.storeStoreFence();
        put16(VERSION_AT, VERSION);
    }

    private boolean hasMarks() {
        int i = 0;
        while (i < size && !isMarked(i)) {
            i++;
        }
        return i < size;
    }

    /**
     * Clears all of the batch whose used index the driver has seen, and no mark of which was perhaps cleared.
     * Looked at as a whole first: a list that is none tells nothing.
     */
    private boolean clearBatch(int head, int batch) {
        if (batch > size) {
            return false;
        }
        int[] heads = new int[batch];
        boolean[] seen = new boolean[size];
        int at = head;
        for (int i = 0; i < batch; i++) {
            if (at >= size || seen[at]) {
                return false;
            }
            seen[at] = true;
            heads[i] = at;
            at = get16(entry(at) + NEXT);
        }
        for (int cleared : heads) {
            mark(cleared, (byte) 0);
        }
        return true;
    }

    private int[] marked() {
        long[] counters = new long[size];
        int[] heads = new int[size];
        int count = 0;
        for (int i = 0; i < size; i++) {
            if (isMarked(i)) {
                counters[i] = (long) LONG.get(region, entry(i) + COUNTER);
                if (Long.compareUnsigned(counters[i], MOST_COUNTER) > 0) {
                    return null;
                }
                counter = Math.max(counter, counters[i] + 1);
                chains.resubmit(i);
                heads[count++] = i;
            }
        }
        return Arrays.stream(heads, 0, count).boxed()
                .sorted(Comparator.comparingLong(head -> counters[head])).mapToInt(Integer::intValue)
                .toArray();
    }

    /**
     * Chains are taken from the ring.
     *
     * @param heads of the chains
     * @param from index of the first
     * @param count how many
     * @return how many of them could be: the next one is in flight already
     */
    int take(int[] heads, int from, int count) {
        int taken = 0;
        while (taken < count && chains.take(heads[from + taken])) {
            taken++;
        }
        for (int i = from; i < from + taken; i++) {
            if (chains.isNew(heads[i])) {
                LONG.set(region, entry(heads[i]) + COUNTER, counter++);
            }
        }
        // A mark without its counter would tell a wrong order.
        VarHandle.storeStoreFence();
        for (int i = from; i < from + taken; i++) {
            if (chains.isNew(heads[i])) {
                mark(heads[i], (byte) 1);
            }
        }
        return taken;
    }

    /** Chains go back to the ring unused; those that a predecessor had taken stay marked. */
    void takeBack(int[] heads, int from, int count) {
        // From the last on: what is marked is always what the ring has next.
        for (int i = from + count - 1; i >= from; i--) {
            if (chains.isNew(heads[i])) {
                mark(heads[i], (byte) 0);
                VarHandle.storeStoreFence();
            }
            chains.takeBack(heads[i]);
        }
    }

    /** Before the ring's used index is raised: tells which chains that will be for. */
    void using(int[] heads, int count) {
        int head = lastBatchHead;
        for (int i = 0; i < count; i++) {
            put16(entry(heads[i]) + NEXT, head);
            head = heads[i];
        }
        VarHandle.storeStoreFence();
        lastBatchHead = head;
        put16(LAST_BATCH_HEAD_AT, head);
    }

    /** After the ring's used index was raised. */
    void used(int[] heads, int count, int usedIdx) {
        VarHandle.storeStoreFence();
        for (int i = 0; i < count; i++) {
            mark(heads[i], (byte) 0);
            chains.used(heads[i]);
        }
        VarHandle.storeStoreFence();
        put16(USED_IDX_AT, usedIdx);
    }

    /** Nothing in the region counts any more: the next one begins where its ring is then. */
    void forget() {
        put16(VERSION_AT, 0);
    }

    private static long entry(int head) {
        return ENTRIES_AT + ENTRY_SIZE * head;
    }

    private boolean isMarked(int head) {
        return (byte) BYTE.get(region, entry(head)) != 0;
    }

    private void mark(int head, byte value) {
        BYTE.set(region, entry(head), value);
    }

    private int get16(long at) {
        return (short) SHORT.get(region, at) & 0xFFFF;
    }

    private void put16(long at, int value) {
        SHORT.set(region, at, (short) value);
    }
}
