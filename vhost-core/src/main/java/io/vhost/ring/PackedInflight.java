package io.vhost.ring;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/**
 * What a packed ring has in flight, in memory that outlives this process (vhost-user, "Inflight I/O
 * tracking"): copies of the descriptors that were taken and not given back, and how far the ring was used,
 * which nothing in the ring itself tells.
 *
 * <pre>
 * header, 32 bytes                 by entry, 32 bytes each; not by descriptor
 *  0  le64 features                 0  u8 inflight, of the first of a chain
 *  8  le16 version                  2  le16 next, of the chain or the free list
 * 10  le16 desc_num                 4  le16 last entry of the chain, of the first
 * 12  le16 free_head                6  le16 num, entries of the chain, of the first
 * 14  le16 old_free_head            8  le64 counter, of the first
 * 16  le16 used_idx                16  le16 id
 * 18  le16 old_used_idx            18  le16 flags
 * 20  u8   used_wrap_counter       20  le32 len
 * 21  u8   old_used_wrap_counter   24  le64 addr
 * </pre>
 *
 * <p>Thread: that of its ring. What begins with "old" is what counts; the process may end at each store, and
 * where the two differ the ring says whether the step was made. Read is only by {@link PackedRecovery}; from
 * then on the state is kept here as well, and a front-end that writes into the region gains nothing.
 */
final class PackedInflight {
    static final int VERSION = 1;
    static final long VERSION_AT = 8;
    static final long DESC_NUM_AT = 10;
    static final long FREE_HEAD_AT = 12;
    static final long OLD_FREE_HEAD_AT = 14;
    /** The two used positions with their wrap counters, always stored as one word. */
    static final long POSITIONS_AT = 16;
    private static final long ENTRIES_AT = 32;
    private static final long ENTRY_SIZE = 32;
    static final long NEXT = 2;
    static final long LAST = 4;
    static final long NUM = 6;
    static final long COUNTER = 8;
    /** Id, flags and length. */
    static final long WORD = 16;
    static final long ADDRESS = 24;

    private static final VarHandle BYTE = ValueLayout.JAVA_BYTE.varHandle().withInvokeExactBehavior();
    private static final VarHandle SHORT =
            ValueLayout.JAVA_SHORT.withOrder(LITTLE_ENDIAN).varHandle().withInvokeExactBehavior();
    private static final VarHandle LONG =
            ValueLayout.JAVA_LONG.withOrder(LITTLE_ENDIAN).varHandle().withInvokeExactBehavior();

    final int size;
    final ChainState chains;
    /** By entry: as in the region. */
    final int[] next;
    /** By entry, of the first of a chain: as in the region. */
    final int[] last;
    /** By entry, of the first of a chain: as in the region. */
    final int[] num;
    /** By buffer id: the first entry of the chain. */
    final int[] first;
    int freeHead;
    int freeCount;
    long counter;
    /** As {@link PackedLayout#offWrap} codes it. */
    int used;
    private final MemorySegment region;
    private final MemorySegment memory;
    private final long desc;

    /**
     * The tracking of one ring; {@link PackedRecovery} comes first.
     *
     * @param region the queue's part, aligned to 8 bytes, of {@link #bytes}
     * @param memory the guest's memory window
     * @param desc offset of the descriptor ring in the window
     * @param size entries of the ring
     */
    PackedInflight(MemorySegment region, MemorySegment memory, long desc, int size) {
        this.region = region;
        this.memory = memory;
        this.desc = desc;
        this.size = size;
        chains = new ChainState(size);
        next = new int[size];
        last = new int[size];
        num = new int[size];
        first = new int[size];
    }

    /** Bytes of a queue's part. */
    static long bytes(int size) {
        return ENTRIES_AT + ENTRY_SIZE * size;
    }

    /**
     * Chains are taken from the ring. They are in flight all at once, with the last store.
     *
     * @param batch the chains
     * @param from the first of them
     * @param count how many
     * @param at position of the first one's first descriptor
     * @return how many of them could be: the next one is in flight already, or would be too many
     */
    int take(ChainBatch batch, int from, int count, int at) {
        int position = at;
        int taken = 0;
        while (taken < count && takeOne(batch.id[from + taken], batch.descriptors[from + taken], position)) {
            position += batch.descriptors[from + taken];
            position -= position >= size ? size : 0;
            taken++;
        }
        VarHandle.storeStoreFence();
        put16(FREE_HEAD_AT, freeHead);
        VarHandle.storeStoreFence();
        put16(OLD_FREE_HEAD_AT, freeHead);
        return taken;
    }

    private boolean takeOne(int id, int descriptors, int at) {
        if (chains.isResubmitted(id)) {
            return chains.take(id);
        }
        if (descriptors > freeCount || !chains.take(id)) {
            return false;
        }
        int head = freeHead;
        int entry = head;
        int end = head;
        int position = at;
        for (int i = 0; i < descriptors; i++) {
            copy(entry, position);
            end = entry;
            entry = next[entry];
            position = position + 1 == size ? 0 : position + 1;
        }
        put16(entry(head) + NUM, descriptors);
        put16(entry(head) + LAST, end);
        LONG.set(region, entry(head) + COUNTER, counter++);
        mark(head, (byte) 1);
        first[id] = head;
        last[head] = end;
        num[head] = descriptors;
        freeHead = entry;
        freeCount -= descriptors;
        return true;
    }

    private void copy(int entry, int position) {
        long descriptor = desc + (long) Descriptors.DESC_SIZE * position;
        long word = Descriptors.word(memory, descriptor);
        // The same fields in another order: length, id, flags there.
        LONG.set(region, entry(entry) + WORD, word >>> 32 | word << 32);
        LONG.set(region, entry(entry) + ADDRESS, Descriptors.address(memory, descriptor));
    }

    /** Chains go back to the ring unused, from the last on; those of a predecessor stay in flight. */
    void takeBack(ChainBatch batch, int from, int count) {
        for (int i = from + count - 1; i >= from; i--) {
            int id = batch.id[i];
            if (chains.isNew(id)) {
                free(first[id]);
            }
            chains.takeBack(id);
        }
        VarHandle.storeStoreFence();
        put16(FREE_HEAD_AT, freeHead);
        VarHandle.storeStoreFence();
        put16(OLD_FREE_HEAD_AT, freeHead);
        VarHandle.storeStoreFence();
        // What is in the free list is not in flight, whatever its mark says until then.
        for (int i = from; i < from + count; i++) {
            if (!chains.isResubmitted(batch.id[i])) {
                mark(first[batch.id[i]], (byte) 0);
            }
        }
    }

    private void free(int head) {
        next[last[head]] = freeHead;
        put16(entry(last[head]) + NEXT, freeHead);
        freeHead = head;
        freeCount += num[head];
    }

    /**
     * Before the driver can see it: tells which chains are given back.
     *
     * @param ids of the chains
     * @param count how many
     * @param now the used position afterwards, as {@link PackedLayout#offWrap} codes it
     */
    void using(int[] ids, int count, int now) {
        for (int i = 0; i < count; i++) {
            free(first[ids[i]]);
        }
        VarHandle.storeStoreFence();
        put16(FREE_HEAD_AT, freeHead);
        positions(now, used);
        used = now;
    }

    /** After the driver can see it. */
    void used(int[] ids, int count) {
        VarHandle.storeStoreFence();
        for (int i = 0; i < count; i++) {
            mark(first[ids[i]], (byte) 0);
            chains.used(ids[i]);
        }
        VarHandle.storeStoreFence();
        put16(OLD_FREE_HEAD_AT, freeHead);
        VarHandle.storeStoreFence();
        positions(used, used);
    }

    /** Nothing in the region counts any more: the next one begins where its front-end says. */
    void forget() {
        put16(VERSION_AT, 0);
    }

    // For the recovery.

    int get16(long at) {
        return (short) SHORT.get(region, at) & 0xFFFF;
    }

    void put16(long at, int value) {
        SHORT.set(region, at, (short) value);
    }

    long get64(long at) {
        return (long) LONG.get(region, at);
    }

    /** One store: were they two, a process that ends between them would leave a position on a wrong lap. */
    void positions(int now, int before) {
        LONG.set(region, POSITIONS_AT, PackedLayout.position(now) | (long) PackedLayout.position(before) << 16
                | (PackedLayout.wrap(now) ? 1L << 32 : 0) | (PackedLayout.wrap(before) ? 1L << 40 : 0));
    }

    boolean isMarked(int entry) {
        return (byte) BYTE.get(region, entry(entry)) != 0;
    }

    void mark(int entry, byte value) {
        BYTE.set(region, entry(entry), value);
    }

    long ringWord(int position) {
        return Descriptors.word(memory, desc + (long) Descriptors.DESC_SIZE * position);
    }

    void ringWord(int position, long word) {
        Descriptors.word(memory, desc + (long) Descriptors.DESC_SIZE * position, word);
    }

    /** The word of a descriptor as it was taken. */
    long copiedWord(int entry) {
        long word = get64(entry(entry) + WORD);
        return word >>> 32 | word << 32;
    }

    long ringAddress(int position) {
        return Descriptors.address(memory, desc + (long) Descriptors.DESC_SIZE * position);
    }

    static long entry(int entry) {
        return ENTRIES_AT + ENTRY_SIZE * entry;
    }
}
