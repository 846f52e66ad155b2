package io.vhost.bpf.btf;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Access to the records of a blob by type id, without any judgement of what they hold.
 *
 * <p>The one place that knows where the words of a record are:
 * <pre>
 *   0          4       8              12
 *   | name_off | info | size or type | trailing words ...
 *                info: vlen 0-15 | kind 24-28 | kind_flag 31   (wide: vlen 0-23 | kind 24-30)
 * </pre>
 *
 * <p>Thread: filled by one thread, then read only. Id 0 is void and reads as a record of zeros.
 */
final class BtfRaw {
    static final int RECORD = 12;
    static final int MAX_TYPE = 0xFFFFF;
    static final int MAX_NAME_OFFSET = 0xFFFFFF;
    static final int MAX_BLOB = 16 << 20;

    private static final VarHandle LITTLE =
            MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN)
                    .withInvokeExactBehavior();
    private static final VarHandle BIG =
            MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN).withInvokeExactBehavior();

    final byte[] blob;
    private final boolean big;
    private final boolean wide;
    private final int typesStart;
    private final int stringsStart;
    private final int stringsLength;
    private int[] offsets = new int[64];
    private int count = 1;

    /**
     * A view without types.
     *
     * @param blob          the whole, kept and not copied
     * @param order         of the bytes in a word
     * @param wide          whether the kind has 7 bits and vlen 24
     * @param typesStart    where the types start, in bytes from the start of the blob
     * @param stringsStart  where the strings start, likewise
     * @param stringsLength bytes of strings
     */
    BtfRaw(byte[] blob, ByteOrder order, boolean wide, int typesStart, int stringsStart, int stringsLength) {
        this.blob = blob;
        this.big = order == ByteOrder.BIG_ENDIAN;
        this.wide = wide;
        this.typesStart = typesStart;
        this.stringsStart = stringsStart;
        this.stringsLength = stringsLength;
    }

    static int word(byte[] blob, int offset, boolean big) {
        return big ? (int) BIG.get(blob, offset) : (int) LITTLE.get(blob, offset);
    }

    static void putWord(byte[] blob, int offset, int value, boolean big) {
        if (big) {
            BIG.set(blob, offset, value);
        } else {
            LITTLE.set(blob, offset, value);
        }
    }

    int wordAt(int offset) {
        return word(blob, offset, big);
    }

    int typesStart() {
        return typesStart;
    }

    /** Number of ids, void included. */
    int count() {
        return count;
    }

    void add(int offset) {
        if (count == offsets.length) {
            offsets = Arrays.copyOf(offsets, count + (count >> 1));
        }
        offsets[count++] = offset;
    }

    /** Drops the spare room that growing left behind. */
    void trim() {
        offsets = Arrays.copyOf(offsets, count);
    }

    /** Whether {@code id}, read as unsigned, is void or a type of this blob. */
    boolean exists(int id) {
        return id >= 0 && id < count;
    }

    /** Whether an id could belong to any blob: a forward reference is judged later. */
    static boolean representable(int typeId) {
        return Integer.compareUnsigned(typeId, MAX_TYPE) <= 0;
    }

    static boolean representableAndNotVoid(int typeId) {
        return typeId != 0 && representable(typeId);
    }

    int offset(int id) {
        return offsets[id];
    }

    int nameOffset(int id) {
        return id == 0 ? 0 : wordAt(offsets[id]);
    }

    int info(int id) {
        return id == 0 ? 0 : wordAt(offsets[id] + 4);
    }

    /** The third word: a size in bytes or a type id, by kind; unsigned. */
    int size(int id) {
        return id == 0 ? 0 : wordAt(offsets[id] + 8);
    }

    int kindId(int id) {
        return kindOf(info(id));
    }

    BtfKind kind(int id) {
        return BtfKind.of(kindId(id));
    }

    int kindOf(int info) {
        return info >>> 24 & (wide ? 0x7F : 0x1F);
    }

    int vlen(int id) {
        return vlenOf(info(id));
    }

    int vlenOf(int info) {
        return info & (wide ? 0xFFFFFF : 0xFFFF);
    }

    boolean kindFlag(int id) {
        return info(id) < 0;
    }

    /** Trailing word {@code index} of a type. */
    int trailing(int id, int index) {
        return wordAt(offsets[id] + RECORD + 4 * index);
    }

    boolean nameExists(int nameOffset) {
        return Integer.compareUnsigned(nameOffset, MAX_NAME_OFFSET) <= 0
                && Integer.compareUnsigned(nameOffset, stringsLength) < 0;
    }

    /**
     * The byte at a position of the string section; callers stay inside because the section ends in a NUL.
     */
    byte stringByte(int nameOffset) {
        return blob[stringsStart + nameOffset];
    }

    /** The name's bytes as Latin-1, at most {@code limit} of them: a hostile name may be 16 MiB long. */
    String latin1(int nameOffset, int limit) {
        int start = stringsStart + nameOffset;
        int end = start;
        while (blob[end] != 0 && end - start < limit) {
            end++;
        }
        return new String(blob, start, end - start, StandardCharsets.ISO_8859_1);
    }

    /** Bytes of a name, counted up to {@code limit}. */
    int nameLength(int nameOffset, int limit) {
        int start = stringsStart + nameOffset;
        int end = start;
        while (blob[end] != 0 && end - start < limit) {
            end++;
        }
        return end - start;
    }

    /** The name as UTF-8 text; names are ASCII unless somebody forged them. */
    String name(int nameOffset) {
        return name(nameOffset, Integer.MAX_VALUE);
    }

    String name(int nameOffset, int limit) {
        int length = nameLength(nameOffset, limit);
        return new String(blob, stringsStart + nameOffset, length, StandardCharsets.UTF_8);
    }

    boolean nameEquals(int nameOffset, byte[] name) {
        int start = stringsStart + nameOffset;
        int end = start + name.length;
        return end < stringsStart + stringsLength && blob[end] == 0
                && Arrays.equals(blob, start, end, name, 0, name.length);
    }

    int nameHash(int nameOffset) {
        int hash = 0;
        for (int at = stringsStart + nameOffset; blob[at] != 0; at++) {
            hash = 31 * hash + blob[at];
        }
        return hash;
    }
}
