package io.vhost.device;

import io.vhost.ring.RingFormat;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * The driver's end of a ring, written by hand into the guest's memory, so that anything at all can stand in
 * it. It begins with the empty ring of {@link TestQueue#newRing}.
 *
 * <p>From the guest each chain carries a frame of its own number, as far as its buffers hold it.
 */
final class RawRing {
    /** When the chains that break a rule come, beside two that break none. */
    enum Round {
        /** In the burst of the good ones, behind them. */
        SAME_BURST,
        /** There are no good ones. */
        ALONE,
        /** In a burst after that of the good ones. */
        LATER
    }

    /** A buffer as a descriptor names it; of a table, the buffers in the table. */
    record Buffer(long address, long length, int flags, List<Buffer> inner) {
        Buffer writable() {
            return new Buffer(address, length, flags | WRITE, inner);
        }

        Buffer readable() {
            return new Buffer(address, length, flags & ~WRITE, inner);
        }
    }

    /** Bytes of the guest's memory. */
    record Piece(long offset, long length) {}

    static final int NEXT = 1;
    static final int WRITE = 2;
    static final int INDIRECT = 4;
    static final int DESCRIPTOR = 16;
    static final int HEADER = 12;
    static final int PAYLOAD = 60;
    /** Bytes of a frame, and of the buffer of a good chain. */
    static final int FRAME = HEADER + PAYLOAD;
    static final long HOLE = 0xDEAD_0000L;

    private static final int AVAIL = 1 << 7;
    private static final int USED = 1 << 15;
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT;

    final TestGuest guest;
    final TestQueue end;
    final Round round;
    final boolean toGuest;
    final boolean asynchronous;
    /** By chain: what its buffers hold of the guest's memory. */
    final List<List<Piece>> chains = new ArrayList<>();
    /** Numbers of the frames that an honest reader of the ring would take for packets. */
    final List<Integer> frames = new ArrayList<>();
    /** The header of the next frame. */
    byte[] header = new byte[HEADER];
    /** Some buffer is in two chains, so that the second packet covers the first. */
    boolean overlapping;
    /** The interrupt's eventfd was signalled by somebody else. */
    boolean callIsFull;

    private final MemorySegment memory;
    /** By chain. */
    private final List<Integer> descriptors = new ArrayList<>();
    private int slot;
    private int returned;
    private long nextBuffer;

    RawRing(TestGuest guest, TestQueue end, Round round, boolean asynchronous) {
        this.guest = guest;
        this.end = end;
        this.round = round;
        this.toGuest = end.queue.isToGuest();
        this.asynchronous = asynchronous;
        this.memory = guest.memory;
        this.nextBuffer = TestGuest.BUFFERS + end.queue.index() * 0x8_0000L;
        end.newRing();
    }

    boolean isSplit() {
        return end.format == RingFormat.SPLIT;
    }

    int size() {
        return end.size();
    }

    /** Flags of a buffer in the queue's direction. */
    int direction() {
        return toGuest ? WRITE : 0;
    }

    /** Where the next descriptor goes. */
    int slot() {
        return slot % size();
    }

    /** Descriptors that are not with the device. */
    int free() {
        return size() - (slot - returned);
    }

    /** All that was offered so far was used. */
    void allReturned() {
        returned = slot;
    }

    /** What the ring's base is when so many chains were used. */
    int baseAfter(int used) {
        int count = isSplit() ? used : descriptors.stream().limit(used).mapToInt(Integer::intValue).sum();
        return end.baseAfter(count);
    }

    /** Offset of bytes that nobody else uses. */
    long allocate(long length) {
        long offset = nextBuffer;
        nextBuffer += (length + 63) / 64 * 64;
        return offset;
    }

    /** A buffer of the queue's direction. */
    Buffer buffer(int length) {
        return at(TestGuest.GUEST + allocate(length), length);
    }

    Buffer at(long address, long length) {
        return new Buffer(address, length, direction(), List.of());
    }

    /** So many buffers of these bytes each, which continue each other. */
    Buffer[] buffers(int count, int length) {
        long offset = allocate((long) count * length);
        Buffer[] buffers = new Buffer[count];
        for (int i = 0; i < count; i++) {
            buffers[i] = at(TestGuest.GUEST + offset + (long) i * length, length);
        }
        return buffers;
    }

    /** A table of these buffers, one after the other. */
    Buffer table(Buffer... inner) {
        long offset = allocate((long) DESCRIPTOR * inner.length);
        for (int i = 0; i < inner.length; i++) {
            boolean last = i == inner.length - 1;
            int flags = inner[i].flags | (last || !isSplit() ? 0 : NEXT);
            entry(offset, i, inner[i], flags, last ? 0 : i + 1);
        }
        return new Buffer(
                TestGuest.GUEST + offset, (long) DESCRIPTOR * inner.length, INDIRECT, List.of(inner));
    }

    /** A table that is somewhere, or nowhere. */
    Buffer tableAt(long address, long length) {
        return new Buffer(address, length, INDIRECT, List.of());
    }

    /** Writes one entry of a table. */
    void entry(long table, int index, Buffer buffer, int flags, int link) {
        write(table + (long) DESCRIPTOR * index, buffer, flags, link);
    }

    private void write(long at, Buffer buffer, int flags, int link) {
        long length = buffer.length & 0xFFFF_FFFFL;
        long word = isSplit()
                ? length | (long) flags << 32 | (long) link << 48
                : length | (long) link << 32 | (long) flags << 48;
        memory.set(ValueLayout.JAVA_LONG, at, buffer.address);
        memory.set(ValueLayout.JAVA_LONG, at + Long.BYTES, word);
    }

    /**
     * Writes the next descriptor.
     *
     * @param link the next descriptor in a split ring, the buffer id in a packed one
     */
    void put(Buffer buffer, int flags, int link) {
        putRaw(buffer, isSplit() ? flags : flags | lap(), link);
    }

    /** Flags that say that the next descriptor of a packed ring is available. */
    int lap() {
        return slot / size() % 2 == 0 ? AVAIL : USED;
    }

    /** The same with all flags as they are given. */
    void putRaw(Buffer buffer, int flags, int link) {
        write(end.addresses.desc() + (long) DESCRIPTOR * slot(), buffer, flags, link);
        slot++;
    }

    /** Offers what was put, as one chain of nothing that can be received. */
    void offer(int head, int count) {
        if (isSplit()) {
            int position = chains.size();
            memory.set(SHORT, end.addresses.avail() + 4 + 2L * (position % size()), (short) head);
            availIdx(position + 1);
        }
        chains.add(List.of());
        descriptors.add(count);
    }

    void availIdx(int idx) {
        memory.set(SHORT, end.addresses.avail() + 2, (short) idx);
    }

    /** Offers a chain with a frame in it, or with room for one. */
    void chain(Buffer... buffers) {
        int number = chains.size();
        chainOfNothing(buffers);
        List<Piece> pieces = new ArrayList<>();
        for (Buffer buffer : buffers) {
            addPieces(buffer, pieces);
        }
        chains.set(number, pieces);
        frames.add(number);
        if (!toGuest) {
            fill(pieces, TestGuest.join(header, TestGuest.pattern(PAYLOAD, number)));
        }
        header = new byte[HEADER];
    }

    /** Offers a chain whose buffers are left as they are. */
    void chainOfNothing(Buffer... buffers) {
        int head = slot();
        for (int i = 0; i < buffers.length; i++) {
            boolean last = i == buffers.length - 1;
            int link = isSplit() ? (head + i + 1) % size() : head;
            put(buffers[i], buffers[i].flags ^ (last ? 0 : NEXT), last && isSplit() ? 0 : link);
        }
        offer(head, buffers.length);
    }

    /** Offers a chain that breaks no rule; nothing where the ring has no room. */
    void good() {
        if (free() > 0) {
            chain(buffer(FRAME));
        }
    }

    /** The frame of the chain that was offered last arrives nowhere. */
    void dropFrame() {
        frames.removeLast();
    }

    private static void addPieces(Buffer buffer, List<Piece> pieces) {
        if ((buffer.flags & INDIRECT) != 0) {
            buffer.inner.forEach(inner -> addPieces(inner, pieces));
            return;
        }
        long offset = buffer.address - TestGuest.GUEST;
        if (offset >= 0 && offset < TestGuest.SIZE && buffer.length > 0) {
            pieces.add(new Piece(offset, Math.min(buffer.length, TestGuest.SIZE - offset)));
        }
    }

    private void fill(List<Piece> pieces, byte[] frame) {
        int done = 0;
        for (Piece piece : pieces) {
            int count = (int) Math.min(piece.length, frame.length - done);
            MemorySegment.copy(MemorySegment.ofArray(frame), done, memory, piece.offset, count);
            done += count;
        }
    }
}
