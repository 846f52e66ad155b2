package io.vhost.bpf.btf;

import io.vhost.bpf.btf.raw.BtfRaw;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * The head of a BTF blob:
 * <pre>
 *   0       2         3       4         8          12         16        20        24           28
 *   | magic | version | flags | hdr_len | type_off | type_len | str_off | str_len | layout_off | layout_len
 * </pre>
 * The two layout words are there when {@code hdr_len} is 32 or more. Offsets count from the end of the head;
 * all numbers are bytes and unsigned.
 *
 * @param magic         0xEB9F, or what stands there instead
 * @param version       1
 * @param flags         0
 * @param headerLength  bytes of the head itself
 * @param typesOffset   where the types start
 * @param typesLength   bytes of types
 * @param stringsOffset where the strings start
 * @param stringsLength bytes of strings
 * @param layoutOffset  where the layout of kinds starts, 0 if the head has no such word
 * @param layoutLength  bytes of layout, 0 if there is none
 * @param byteOrder     order in which the words were read
 */
public record BtfHeader(int magic, int version, int flags, int headerLength, int typesOffset, int typesLength,
                        int stringsOffset, int stringsLength, int layoutOffset, int layoutLength,
                        ByteOrder byteOrder) {
    /** The magic number, in the blob's own byte order. */
    public static final int MAGIC = 0xEB9F;
    /** The only version there is. */
    public static final int VERSION = 1;
    /** Bytes of the head without layout. */
    public static final int SIZE = 24;
    /** Bytes of the head with layout (2026). */
    public static final int SIZE_WITH_LAYOUT = 32;

    /** Where the types start, in bytes from the start of the blob. */
    public int typesStart() {
        return headerLength + typesOffset;
    }

    /** Where the strings start, in bytes from the start of the blob. */
    public int stringsStart() {
        return headerLength + stringsOffset;
    }

    /** The order that the first two bytes announce; little-endian if they are no magic number at all. */
    static ByteOrder orderOf(byte[] blob) {
        boolean big = blob.length >= 2 && (blob[0] & 0xFF) == MAGIC >>> 8
                && (blob[1] & 0xFF) == (MAGIC & 0xFF);
        return big ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
    }

    /**
     * Reads the head as the kernel does: what lies beyond the blob's own {@code hdr_len} or beyond
     * {@code known} bytes reads as zero. Whether it makes sense is not looked at.
     *
     * @param blob  at least 8 bytes
     * @param known {@link #SIZE} or {@link #SIZE_WITH_LAYOUT}
     * @param order order of the bytes in a word
     */
    public static BtfHeader read(byte[] blob, int known, ByteOrder order) {
        boolean big = order == ByteOrder.BIG_ENDIAN;
        int length = BtfRaw.word(blob, 4, big);
        int copied = Integer.compareUnsigned(length, known) < 0 ? length : known;
        byte[] head = new byte[SIZE_WITH_LAYOUT];
        System.arraycopy(blob, 0, head, 0, Math.min(copied, blob.length));
        Arrays.fill(head, copied, head.length, (byte) 0);
        int magic = big ? (head[0] & 0xFF) << 8 | (head[1] & 0xFF) : (head[1] & 0xFF) << 8 | (head[0] & 0xFF);
        return new BtfHeader(magic, head[2] & 0xFF, head[3] & 0xFF, BtfRaw.word(head, 4, big),
                BtfRaw.word(head, 8, big), BtfRaw.word(head, 12, big), BtfRaw.word(head, 16, big),
                BtfRaw.word(head, 20, big), BtfRaw.word(head, 24, big), BtfRaw.word(head, 28, big), order);
    }
}
