package io.vhost.ring;

/** A driver that writes into a split ring whatever it likes. */
final class RawSplitRing {
    static final int NEXT = Descriptors.DESC_F_NEXT;
    static final int WRITE = Descriptors.DESC_F_WRITE;
    static final int INDIRECT = Descriptors.DESC_F_INDIRECT;
    /** Bytes of each buffer of {@link #buffers}. */
    static final int LENGTH = 64;

    final GuestWindow window = new GuestWindow();
    final RingAddresses addresses;
    final ChainBatch batch;
    final int size;
    /** Flag of the buffers that {@link #buffers} laid last. */
    int direction;
    private int availIdx;

    RawSplitRing(int size) {
        this.size = size;
        this.addresses = GuestWindow.ring(RingFormat.SPLIT, size);
        this.batch = new ChainBatch(size);
    }

    SplitRing device(RingOptions options) {
        return device(options, 0);
    }

    SplitRing device(RingOptions options, int base) {
        return new SplitRing(window.memory, addresses, size, options, base);
    }

    /** Begins with both indexes elsewhere than at 0. */
    void start(int idx) {
        availIdx = idx;
        SplitLayout.availIdxRelease(window.segment, addresses.avail(), idx);
        SplitLayout.usedIdxRelease(window.segment, addresses.used(), idx);
    }

    void desc(int index, long address, int length, int flags, int next) {
        long word = SplitLayout.word(length, flags, next);
        Descriptors.put(window.segment, addresses.desc() + 16L * index, address, word);
    }

    void tableDesc(long table, int index, long address, int length, int flags, int next) {
        Descriptors.put(window.segment, window.offset(table) + 16L * index, address,
                SplitLayout.word(length, flags, next));
    }

    /** Every descriptor one buffer of its own. */
    void buffers(int flags) {
        direction = flags & WRITE;
        for (int i = 0; i < size; i++) {
            desc(i, GuestWindow.BUFFERS + (long) LENGTH * i, LENGTH, flags, 0);
        }
    }

    void offer(int... heads) {
        for (int head : heads) {
            SplitLayout.availEntry(window.segment, addresses.avail(), availIdx & (size - 1), head);
            availIdx++;
        }
        SplitLayout.availIdxRelease(window.segment, addresses.avail(), availIdx);
    }

    void jump(int by) {
        availIdx += by;
        SplitLayout.availIdxRelease(window.segment, addresses.avail(), availIdx);
    }

    int usedIdx() {
        return SplitLayout.usedIdxAcquire(window.segment, addresses.used());
    }

    long used(int slot) {
        return SplitLayout.usedElement(window.segment, addresses.used(), slot);
    }

    int usedFlags() {
        return SplitLayout.usedFlags(window.segment, addresses.used());
    }

    void usedEvent(int idx) {
        SplitLayout.usedEvent(window.segment, addresses.avail(), size, idx);
    }

    void availFlags(int flags) {
        SplitLayout.availFlags(window.segment, addresses.avail(), flags);
    }

    int availEvent() {
        return SplitLayout.availEvent(window.segment, addresses.used(), size);
    }
}
