package io.vhost.net;

import io.vhost.memory.NativeCopy;
import io.vhost.net.access.PacketAccess;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Objects;

/**
 * One packet: a window on a buffer of its pool's slab, and the offload fields of its virtio-net header.
 *
 * <p>Thread: the owner, see the package description. No method but {@link #release} synchronises.
 *
 * <pre>
 *   buffer  |&lt;- headroom -&gt;|&lt;---- length ----&gt;|&lt;- tailroom -&gt;|
 *                          ^ dataOffset, counted from the start of the slab
 * </pre>
 *
 * <p>Positions are bytes from the first data byte. Methods whose name has {@code Network} read and write
 * big-endian numbers, at any alignment. Bytes that {@link #reset}, {@link #prepend} and {@link #append} bring
 * into the window hold whatever was there before.
 *
 * <p>A packet is the application's, in its pool, or in flight: accepted by a queue that has not given it back
 * yet. Unless it is the application's {@link #length} is negative, so each bounds check fails, and each
 * method that changes the packet throws {@link IllegalStateException}; so does its release, and a burst that
 * would send it again. The plain offload fields are the exception: they are not checked, and cleared at the
 * next take. Nor can it be seen who writes through {@link #segment}.
 */
public final class Packet {
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfInt INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    static {
        PacketAccess.give(new QueueSide());
    }

    private final PacketPool pool;
    private final MemorySegment slab;
    private final int index;
    private final int bufferSize;
    private final int capacity;
    private final long bufferOffset;
    private final long firstDataOffset;

    // Both are the bitwise complement of their last value while the packet is in its pool, the length alone
    // while it is in flight: one store for each way, and no look at anything else for who may use it.
    private long dataOffset;
    private int length;

    private int checksumOffset;
    private long offload;
    private boolean undelivered;

    /** Made when a program asks for it first: most pools never meet one. */
    private MemorySegment buffer;
    /** Whose programs have let this packet pass to a queue that had no room for it. */
    private Object passedBy;

    Packet(PacketPool pool, MemorySegment slab, int index, long bufferOffset, int bufferSize, int headroom) {
        this.pool = pool;
        this.slab = slab;
        this.index = index;
        this.bufferSize = bufferSize;
        this.bufferOffset = bufferOffset;
        this.firstDataOffset = bufferOffset + headroom;
        this.capacity = bufferSize - headroom;
        this.dataOffset = ~firstDataOffset;
        this.length = ~0;
    }

    // The pool calls these under its lock: there the signs say who has the packet.

    void taken() {
        dataOffset = firstDataOffset;
        length = 0;
        offload = 0;
        checksumOffset = 0;
        undelivered = false;
        forgetPassed();
    }

    private void forgetPassed() {
        // Hardly ever set: a look costs less than a store of a reference.
        if (passedBy != null) {
            passedBy = null;
        }
    }

    void flipReleased() {
        dataOffset = ~dataOffset;
        length = ~length;
    }

    boolean isInPool() {
        return dataOffset < 0;
    }

    boolean isHeld() {
        return length >= 0;
    }

    /** {@return whether a queue has accepted this packet and not given it back yet} */
    public boolean isInFlight() {
        return length < 0 && dataOffset >= 0;
    }

    void inFlight(boolean value) {
        if (length < 0 == value || dataOffset < 0) {
            throw new IllegalStateException("inFlight(" + value + ") of " + this);
        }
        length = ~length;
    }

    /** Gives the packet back to its pool, as {@link PacketPool#release(Packet)} does. */
    public void release() {
        pool.release(this);
    }

    /** {@return the pool that this packet belongs to and must be released to} */
    public PacketPool pool() {
        return pool;
    }

    /** {@return whether an asynchronous copy gave this packet back without having delivered it} */
    public boolean isUndelivered() {
        return undelivered;
    }

    /** {@return the slab that holds the data; all packets of a pool share it, so load it once per burst} */
    public MemorySegment segment() {
        return slab;
    }

    /** {@return where the data begins, in bytes from the start of {@link #segment}} */
    public long dataOffset() {
        return dataOffset;
    }

    /** {@return bytes of data, 0 or more; negative if the packet is in its pool or in flight} */
    public int length() {
        return length;
    }

    /** {@return number of the packet in its pool and of its buffer in the slab, 0 to pool size - 1} */
    public int index() {
        return index;
    }

    /** {@return bytes that {@link #prepend} can still add} */
    public int headroom() {
        return (int) (dataOffset - bufferOffset);
    }

    /** {@return bytes that {@link #append} can still add} */
    public int tailroom() {
        return bufferSize - headroom() - length;
    }

    /** {@return room for data behind the default headroom: the largest length for {@link #reset}} */
    public int capacity() {
        return capacity;
    }

    /**
     * Starts the packet anew: default headroom, no offloads, the given length.
     *
     * @param newLength bytes of data, 0 to {@link #capacity}
     * @throws IllegalArgumentException if the length is out of range
     */
    public void reset(int newLength) {
        if (length < 0 || newLength < 0 || newLength > capacity) {
            throw refused("reset", newLength, capacity);
        }
        dataOffset = firstDataOffset;
        length = newLength;
        offload = 0;
        checksumOffset = 0;
        forgetPassed();
    }

    /**
     * Moves the start of the data towards the start of the buffer. Offload fields keep naming the same bytes.
     *
     * @param count bytes to add, 0 to {@link #headroom}
     * @throws IllegalArgumentException if there is not that much headroom
     */
    public void prepend(int count) {
        if (length < 0 || count < 0 || count > headroom()) {
            throw refused("prepend", count, headroom());
        }
        dataOffset -= count;
        length += count;
        moveOffload(count);
    }

    /**
     * Adds bytes at the end of the data.
     *
     * @param count bytes to add, 0 to {@link #tailroom}
     * @throws IllegalArgumentException if there is not that much tailroom
     */
    public void append(int count) {
        if (length < 0 || count < 0 || count > tailroom()) {
            throw refused("append", count, tailroom());
        }
        length += count;
    }

    /**
     * Removes bytes at the start of the data. Offload fields keep naming the same bytes; a checksum that
     * begins in what is removed cannot be computed any more, and is no longer asked for.
     *
     * @param count bytes to remove, 0 to {@link #length}
     * @throws IllegalArgumentException if there is not that much data
     */
    public void trimHead(int count) {
        if (count < 0 || count > length) {
            throw refused("trimHead", count, length);
        }
        dataOffset += count;
        length -= count;
        moveOffload(-count);
    }

    /**
     * Removes bytes at the end of the data.
     *
     * @param count bytes to remove, 0 to {@link #length}
     * @throws IllegalArgumentException if there is not that much data
     */
    public void trimTail(int count) {
        if (count < 0 || count > length) {
            throw refused("trimTail", count, length);
        }
        length -= count;
    }

    private void window(int newHeadroom, int newLength) {
        if (length < 0 || newHeadroom < 0 || newLength < 0 || newHeadroom > bufferSize - newLength) {
            throw refused("window to " + newHeadroom, newLength, bufferSize - newHeadroom);
        }
        int before = headroom();
        dataOffset = bufferOffset + newHeadroom;
        length = newLength;
        if (newHeadroom != before) {
            moveOffload(before - newHeadroom);
        }
    }

    private void moveOffload(int count) {
        if (offload != 0) {
            offload = NetHeader.moved(offload, count);
        }
    }

    /**
     * {@return the byte at a position, 0 to 0xFF}
     *
     * @param position of the byte
     */
    public int byteAt(int position) {
        return slab.get(ValueLayout.JAVA_BYTE, checked(position, Byte.BYTES)) & 0xFF;
    }

    /**
     * {@return two bytes as a big-endian number, 0 to 0xFFFF}
     *
     * @param position of the first byte
     */
    public int networkShortAt(int position) {
        return slab.get(SHORT, checked(position, Short.BYTES)) & 0xFFFF;
    }

    /**
     * {@return four bytes as a big-endian number}
     *
     * @param position of the first byte
     */
    public int networkIntAt(int position) {
        return slab.get(INT, checked(position, Integer.BYTES));
    }

    /**
     * {@return eight bytes as a big-endian number}
     *
     * @param position of the first byte
     */
    public long networkLongAt(int position) {
        return slab.get(LONG, checked(position, Long.BYTES));
    }

    /**
     * Writes one byte.
     *
     * @param position of the byte
     * @param value whose low 8 bits are written
     */
    public void putByte(int position, int value) {
        slab.set(ValueLayout.JAVA_BYTE, checked(position, Byte.BYTES), (byte) value);
    }

    /**
     * Writes two bytes, big-endian.
     *
     * @param position of the first byte
     * @param value whose low 16 bits are written
     */
    public void putNetworkShort(int position, int value) {
        slab.set(SHORT, checked(position, Short.BYTES), (short) value);
    }

    /**
     * Writes four bytes, big-endian.
     *
     * @param position of the first byte
     * @param value the bits
     */
    public void putNetworkInt(int position, int value) {
        slab.set(INT, checked(position, Integer.BYTES), value);
    }

    /**
     * Writes eight bytes, big-endian.
     *
     * @param position of the first byte
     * @param value the bits
     */
    public void putNetworkLong(int position, long value) {
        slab.set(LONG, checked(position, Long.BYTES), value);
    }

    /**
     * Resets the packet and fills it.
     *
     * @param source native memory; for heap arrays there is {@link #copyFrom(byte[], int, int)}, because a
     *     second kind of segment would slow down every access in the process
     * @param sourceOffset of the first byte
     * @param count bytes, 0 to {@link #capacity}
     * @throws IllegalArgumentException if the count is out of range or the source is not native
     * @throws IndexOutOfBoundsException if the range is not inside the source
     */
    public void copyFrom(MemorySegment source, long sourceOffset, int count) {
        checkNative(source);
        if (count >= 0) {
            Objects.checkFromIndexSize(sourceOffset, count, source.byteSize());
        }
        reset(count);
        NativeCopy.copy(source, sourceOffset, slab, dataOffset, count);
    }

    /**
     * Resets the packet and fills it.
     *
     * @param source the bytes
     * @param sourceIndex index of the first
     * @param count bytes, 0 to {@link #capacity}
     * @throws IllegalArgumentException if the count is out of range
     * @throws IndexOutOfBoundsException if the range is not inside the source
     */
    public void copyFrom(byte[] source, int sourceIndex, int count) {
        if (count >= 0) {
            Objects.checkFromIndexSize(sourceIndex, count, source.length);
        }
        reset(count);
        MemorySegment.copy(source, sourceIndex, slab, ValueLayout.JAVA_BYTE, dataOffset, count);
    }

    /**
     * Resets the packet and makes it a copy of another, offload fields included.
     *
     * @param other a packet of any pool
     * @throws IllegalArgumentException if it is longer than {@link #capacity}
     */
    public void copyFrom(Packet other) {
        other.checkHeld();
        long from = other.dataOffset;
        long word = other.offload;
        int offset = other.checksumOffset;
        reset(other.length);
        NativeCopy.copy(other.slab, from, slab, dataOffset, length);
        offload(word, offset);
    }

    /**
     * Copies the data out.
     *
     * @param target native memory; for heap arrays there is {@link #copyTo(byte[], int)}
     * @param targetOffset of the first byte
     * @throws IllegalArgumentException if the target is not native
     * @throws IndexOutOfBoundsException if the data do not fit into the target
     */
    public void copyTo(MemorySegment target, long targetOffset) {
        checkHeld();
        checkNative(target);
        NativeCopy.copy(slab, dataOffset, target, targetOffset, length);
    }

    /**
     * Copies the data out.
     *
     * @param target the array
     * @param targetIndex index of the first byte
     * @throws IndexOutOfBoundsException if the data do not fit into the target
     */
    public void copyTo(byte[] target, int targetIndex) {
        checkHeld();
        MemorySegment.copy(slab, ValueLayout.JAVA_BYTE, dataOffset, target, targetIndex, length);
    }

    /**
     * Copies a part of the data out, such as an address.
     *
     * @param position of the first byte
     * @param target the array
     * @param targetIndex index of the first byte
     * @param count bytes, 0 or more
     * @throws IndexOutOfBoundsException if the range is not inside the data, or does not fit into the target
     */
    public void copyTo(int position, byte[] target, int targetIndex, int count) {
        MemorySegment.copy(
                slab, ValueLayout.JAVA_BYTE, checkedRange(position, count), target, targetIndex, count);
    }

    /**
     * Writes a part of the data, such as a header that {@link #prepend} or {@link #append} has made room for.
     *
     * @param position of the first byte
     * @param source the bytes
     * @param sourceIndex index of the first
     * @param count bytes, 0 or more
     * @throws IndexOutOfBoundsException if the range is not inside the data, or not inside the source;
     *     nothing is written then
     */
    public void putBytes(int position, byte[] source, int sourceIndex, int count) {
        long target = checkedRange(position, count);
        MemorySegment.copy(source, sourceIndex, slab, ValueLayout.JAVA_BYTE, target, count);
    }

    /**
     * {@return the data as a segment of its own, which after the release shows somebody else's bytes} For
     * convenience, off the hot path. {@link MemorySegment#asByteBuffer} makes a buffer of it.
     */
    public MemorySegment asSlice() {
        checkHeld();
        return slab.asSlice(dataOffset, length);
    }

    /** {@return the first 8 bytes of the virtio-net header, see {@link NetHeader}; 0 asks for nothing} */
    public long offload() {
        return offload;
    }

    /** {@return where the checksum goes, counted from {@link #checksumStart}; see {@link #needsChecksum}} */
    public int checksumOffset() {
        return checksumOffset;
    }

    /**
     * Sets all offload fields, unchecked: what a peer sent may be nonsense, which
     * {@link NetHeader#isPlausible} tells.
     *
     * @param word the first 8 bytes of the virtio-net header, as {@link NetHeader#offload} builds them
     * @param newChecksumOffset csum_offset, whose low 16 bits are kept
     */
    public void offload(long word, int newChecksumOffset) {
        offload = word;
        checksumOffset = newChecksumOffset & 0xFFFF;
    }

    /** Asks for nothing: no checksum, no segmentation. */
    public void clearOffload() {
        offload(0, 0);
    }

    /**
     * Asks the receiver to compute a checksum over the bytes from {@code start} to the end. The caller has
     * put the sum of the pseudo header where the checksum goes. A segmentation request stays as it is.
     *
     * @param start position of the first byte to sum, at most 0xFFFF
     * @param offset where the checksum goes, counted from {@code start}, at most 0xFFFF
     * @throws IllegalArgumentException if the checksum would not lie within the data
     */
    public void requestChecksum(int start, int offset) {
        checkHeld();
        if (start < 0 || start > 0xFFFF || offset < 0 || offset > 0xFFFF
                || start + offset + Short.BYTES > length) {
            throw new IllegalArgumentException("no room for a checksum: start=" + start + ", offset=" + offset
                    + ", length=" + length);
        }
        offload(NetHeader.withChecksum(offload, start), offset);
    }

    /** {@return whether the checksum is still to be computed} */
    public boolean needsChecksum() {
        return (offload & NetHeader.NEEDS_CHECKSUM) != 0;
    }

    /** {@return whether the sender vouches for the checksum} */
    public boolean dataValid() {
        return (offload & NetHeader.DATA_VALID) != 0;
    }

    /** {@return position of the first byte to sum, if {@link #needsChecksum}} */
    public int checksumStart() {
        return NetHeader.checksumStart(offload);
    }

    /** {@return the segmentation type with {@link NetHeader#GSO_ECN}, or {@link NetHeader#GSO_NONE}} */
    public int gsoType() {
        return NetHeader.gsoType(offload);
    }

    /** {@return payload bytes of each segment but the last, 0 to 0xFFFF} */
    public int gsoSize() {
        return NetHeader.gsoSize(offload);
    }

    /** {@return bytes of all protocol headers as the sender says, 0 to 0xFFFF: a hint} */
    public int headerLength() {
        return NetHeader.headerLength(offload);
    }

    @Override
    public String toString() {
        String state = isInPool() ? "in its pool"
                : isInFlight() ? "in flight"
                : "length=" + length + ", headroom=" + headroom() + ", tailroom=" + tailroom()
                        + ", offload=0x" + Long.toHexString(offload);
        return "Packet[index=" + index + ", " + state + "]";
    }

    private long checked(int position, int size) {
        if (position < 0 || position > length - size) {
            throw outOfBounds(position, size);
        }
        return dataOffset + position;
    }

    private long checkedRange(int position, int count) {
        if (count < 0) {
            throw outOfBounds(position, count);
        }
        return checked(position, count);
    }

    private RuntimeException outOfBounds(int position, int size) {
        checkHeld();
        return new IndexOutOfBoundsException(size + " bytes at position=" + position
                + " are not inside length=" + length + " of " + this);
    }

    private RuntimeException refused(String call, int count, int most) {
        checkHeld();
        return new IllegalArgumentException(call + "(" + count + ") must be 0 to " + most + ": " + this);
    }

    private void checkHeld() {
        if (isInFlight()) {
            throw new IllegalStateException("packet " + index + " is in flight: a queue has accepted it, and"
                    + " it must not be used until that gives it back; take another");
        }
        if (length < 0) {
            throw new IllegalStateException("packet " + index + " is in its pool: it was released, and"
                    + " must not be used after that; take another");
        }
    }

    private static void checkNative(MemorySegment segment) {
        if (!segment.isNative()) {
            throw new IllegalArgumentException("heap segment: pass its byte[] instead");
        }
    }

    /** What queues say of packets. */
    private static final class QueueSide extends PacketAccess<Packet> {
        @Override
        public void inFlight(Packet packet, boolean value) {
            packet.inFlight(value);
        }

        @Override
        public void undelivered(Packet packet, boolean value) {
            packet.undelivered = value;
        }

        @Override
        public MemorySegment buffer(Packet packet) {
            MemorySegment buffer = packet.buffer;
            if (buffer == null) {
                buffer = packet.slab.asSlice(packet.bufferOffset, packet.bufferSize);
                packet.buffer = buffer;
            }
            return buffer;
        }

        @Override
        public void window(Packet packet, int headroom, int length) {
            packet.window(headroom, length);
        }

        @Override
        public void passed(Packet packet, Object by) {
            packet.passedBy = by;
        }

        @Override
        public Object passedBy(Packet packet) {
            return packet.passedBy;
        }
    }
}
