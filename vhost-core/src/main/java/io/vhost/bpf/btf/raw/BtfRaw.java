package io.vhost.bpf.btf.raw;

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
public final class BtfRaw {
    /** Bytes of a record without its trailing words. */
    public static final int RECORD = 12;
    /** The highest id. */
    public static final int MAX_TYPE = 0xFFFFF;
    /** The highest offset of a name. */
    public static final int MAX_NAME_OFFSET = 0xFFFFFF;
    /** Longest name that the kernel keeps, in bytes without the NUL (KSYM_NAME_LEN). */
    public static final int MAX_NAME_LENGTH = 512;
    /** Bytes of the largest blob that a kernel takes. */
    public static final int MAX_BLOB = 16 << 20;

    private static final VarHandle LITTLE =
            MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN)
                    .withInvokeExactBehavior();
    private static final VarHandle BIG =
            MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN).withInvokeExactBehavior();

    private final byte[] blob;
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
    public BtfRaw(byte[] blob, ByteOrder order, boolean wide, int typesStart, int stringsStart,
            int stringsLength) {
        this.blob = blob;
        this.big = order == ByteOrder.BIG_ENDIAN;
        this.wide = wide;
        this.typesStart = typesStart;
        this.stringsStart = stringsStart;
        this.stringsLength = stringsLength;
    }

    /** Reads four bytes. */
    public static int word(byte[] blob, int offset, boolean big) {
        return big ? (int) BIG.get(blob, offset) : (int) LITTLE.get(blob, offset);
    }

    /** Writes four bytes. */
    public static void putWord(byte[] blob, int offset, int value, boolean big) {
        if (big) {
            BIG.set(blob, offset, value);
        } else {
            LITTLE.set(blob, offset, value);
        }
    }

    /** {@return the blob itself, not a copy} */
    public byte[] blob() {
        return blob;
    }

    /** {@return the word at an offset from the start of the blob} */
    public int wordAt(int offset) {
        return word(blob, offset, big);
    }

    /** {@return where the types start, in bytes from the start of the blob} */
    public int typesStart() {
        return typesStart;
    }

    /** Number of ids, void included. */
    public int count() {
        return count;
    }

    /** Enters the next type, whose record is at {@code offset}. */
    public void add(int offset) {
        if (count == offsets.length) {
            offsets = Arrays.copyOf(offsets, count + (count >> 1));
        }
        offsets[count++] = offset;
    }

    /** Drops the spare room that growing left behind. */
    public void trim() {
        offsets = Arrays.copyOf(offsets, count);
    }

    /** Whether {@code id}, read as unsigned, is void or a type of this blob. */
    public boolean exists(int id) {
        return id >= 0 && id < count;
    }

    /** Whether an id could belong to any blob: a forward reference is judged later. */
    public static boolean representable(int typeId) {
        return Integer.compareUnsigned(typeId, MAX_TYPE) <= 0;
    }

    /** Whether an id could belong to any blob and is not that of void. */
    public static boolean representableAndNotVoid(int typeId) {
        return typeId != 0 && representable(typeId);
    }

    /** {@return where a type's record starts, in bytes from the start of the blob; 0 for void} */
    public int offset(int id) {
        return offsets[id];
    }

    /** {@return where a type's name starts, in bytes from the start of the strings} */
    public int nameOffset(int id) {
        return id == 0 ? 0 : wordAt(offsets[id]);
    }

    /** {@return the second word, with kind and vlen} */
    public int info(int id) {
        return id == 0 ? 0 : wordAt(offsets[id] + 4);
    }

    /** The third word: a size in bytes or a type id, by kind; unsigned. */
    public int size(int id) {
        return id == 0 ? 0 : wordAt(offsets[id] + 8);
    }

    /** {@return the number of a type's kind, known or not} */
    public int kindId(int id) {
        return kindOf(info(id));
    }

    /** {@return the number of the kind in an info word} */
    public int kindOf(int info) {
        return info >>> 24 & (wide ? 0x7F : 0x1F);
    }

    /** {@return how many members, values or the like a type has} */
    public int vlen(int id) {
        return vlenOf(info(id));
    }

    /** {@return the number of members in an info word} */
    public int vlenOf(int info) {
        return info & (wide ? 0xFFFFFF : 0xFFFF);
    }

    /** {@return the highest bit of the info word; its meaning depends on the kind} */
    public boolean kindFlag(int id) {
        return info(id) < 0;
    }

    /** Trailing word {@code index} of a type. */
    public int trailing(int id, int index) {
        return wordAt(offsets[id] + RECORD + 4 * index);
    }

    /** {@return whether a name's offset lies in the strings} */
    public boolean nameExists(int nameOffset) {
        return Integer.compareUnsigned(nameOffset, MAX_NAME_OFFSET) <= 0
                && Integer.compareUnsigned(nameOffset, stringsLength) < 0;
    }

    /**
     * The byte at a position of the string section; callers stay inside because the section ends in a NUL.
     */
    public byte stringByte(int nameOffset) {
        return blob[stringsStart + nameOffset];
    }

    /** The name's bytes as Latin-1, at most {@code limit} of them: a hostile name may be 16 MiB long. */
    public String latin1(int nameOffset, int limit) {
        int start = stringsStart + nameOffset;
        int end = start;
        while (blob[end] != 0 && end - start < limit) {
            end++;
        }
        return new String(blob, start, end - start, StandardCharsets.ISO_8859_1);
    }

    /** Bytes of a name, counted up to {@code limit}. */
    public int nameLength(int nameOffset, int limit) {
        int start = stringsStart + nameOffset;
        int end = start;
        while (blob[end] != 0 && end - start < limit) {
            end++;
        }
        return end - start;
    }

    /** The name as UTF-8 text; names are ASCII unless somebody forged them. */
    public String name(int nameOffset) {
        return name(nameOffset, Integer.MAX_VALUE);
    }

    /** The same, of at most {@code limit} bytes. */
    public String name(int nameOffset, int limit) {
        int length = nameLength(nameOffset, limit);
        return new String(blob, stringsStart + nameOffset, length, StandardCharsets.UTF_8);
    }

    /** {@return whether a name has these bytes} */
    public boolean nameEquals(int nameOffset, byte[] name) {
        int start = stringsStart + nameOffset;
        int end = start + name.length;
        return end < stringsStart + stringsLength && blob[end] == 0
                && Arrays.equals(blob, start, end, name, 0, name.length);
    }

    /** {@return {@code 31 * hash + byte} over the bytes of a name} */
    public int nameHash(int nameOffset) {
        int hash = 0;
        for (int at = stringsStart + nameOffset; blob[at] != 0; at++) {
            hash = 31 * hash + blob[at];
        }
        return hash;
    }
}
