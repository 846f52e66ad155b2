package io.vhost.ring;

/** A driver that writes into a packed ring whatever it likes. */
final class RawPackedRing {
    static final int NEXT = Descriptors.DESC_F_NEXT;
    static final int WRITE = Descriptors.DESC_F_WRITE;
    static final int INDIRECT = Descriptors.DESC_F_INDIRECT;
    static final int AVAIL = PackedLayout.DESC_F_AVAIL;
    static final int USED = PackedLayout.DESC_F_USED;
    /** Bytes of each buffer that {@link #offer} lays. */
    static final int LENGTH = 64;

    final GuestWindow window = new GuestWindow();
    final RingAddresses addresses;
    final ChainBatch batch;
    final int size;
    /** Where the next descriptor goes, and its wrap counter. */
    int position;
    boolean wrap = true;

    RawPackedRing(int size) {
        this.size = size;
        this.addresses = GuestWindow.ring(RingFormat.PACKED, size);
        this.batch = new ChainBatch(size);
    }

    PackedRing device(RingOptions options) {
        return device(options, RingFormat.PACKED.start());
    }

    PackedRing device(RingOptions options, int base) {
        return (PackedRing) RingFormat.PACKED.device(window.memory, addresses, size, options, base);
    }

    /** Begins elsewhere than at 0; the ring looks as if all up to there had been used. */
    void start(int from, boolean lap) {
        position = from;
        wrap = lap;
        for (int i = 0; i < size; i++) {
            raw(i, 0, 0, 0, PackedLayout.usedFlags(i < from ? lap : !lap));
        }
    }

    /** A descriptor as it stands, no bit added. */
    void raw(int at, long address, int length, int id, int flags) {
        long entry = addresses.desc() + 16L * at;
        Descriptors.address(window.segment, entry, address);
        PackedLayout.descWordRelease(window.segment, entry, PackedLayout.word(length, id, flags));
    }

    /** The next descriptor, available at once. */
    void desc(long address, int length, int id, int flags) {
        raw(position, address, length, id, flags | PackedLayout.availFlags(wrap));
        if (++position == size) {
            position = 0;
            wrap = !wrap;
        }
    }

    /** Chains of one buffer each; the ids are 0, 1 and so on. */
    void offer(int count, int flags) {
        for (int i = 0; i < count; i++) {
            desc(buffer(i), LENGTH, i, flags);
        }
    }

    static long buffer(int number) {
        return GuestWindow.BUFFERS + (long) LENGTH * number;
    }

    void tableDesc(long table, int index, long address, int length, int flags) {
        long entry = window.offset(table) + 16L * index;
        Descriptors.address(window.segment, entry, address);
        Descriptors.word(window.segment, entry, PackedLayout.word(length, 0xFFFF, flags));
    }

    long word(int at) {
        return Descriptors.word(window.segment, addresses.desc() + 16L * at);
    }

    boolean isUsed(int at, boolean lap) {
        return PackedLayout.isUsed(word(at), lap);
    }

    /** What the driver wants to hear of. */
    void driverEvent(int offWrap, int flags) {
        PackedLayout.event(window.segment, addresses.avail(), offWrap, flags);
    }

    int deviceEvent() {
        return PackedLayout.event(window.segment, addresses.used());
    }
}
