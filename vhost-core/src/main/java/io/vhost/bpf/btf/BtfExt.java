package io.vhost.bpf.btf;

import io.vhost.bpf.btf.raw.BtfRaw;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Which type and which source line belong to an instruction: the section {@code .BTF.ext} of an object file.
 * <pre>
 *   | magic | version | flags | hdr_len | func_info_off | _len | line_info_off | _len | core_relo_off | _len
 *   | each part: record size, then per section | name | number of records | records |
 * </pre>
 *
 * <p>Thread: immutable; any thread.
 */
public final class BtfExt {
    private static final int HEADER = 24;
    private static final int HEADER_WITH_RELOCATIONS = 32;
    private static final int FUNCTION = 8;
    private static final int LINE = 16;
    private static final int RELOCATION = 16;
    /** As many sections as an ELF file can number. */
    private static final int MAX_SECTIONS = 0xFF00;

    private final byte[] blob;
    private final boolean big;
    private final Btf btf;
    private final Map<String, List<FunctionInfo>> functions = new HashMap<>();
    private final Map<String, List<LineInfo>> lines = new HashMap<>();
    private final Map<String, List<Relocation>> relocations = new HashMap<>();

    /**
     * A function's type.
     *
     * @param offset bytes from the start of the section to the function's first instruction
     * @param typeId its FUNC
     */
    public record FunctionInfo(int offset, int typeId) {
    }

    /**
     * An instruction's source line.
     *
     * @param offset bytes from the start of the section to the instruction
     * @param file   the file's name, as an offset of the BTF's strings
     * @param text   the line itself, likewise
     * @param line   the line's number, from 1
     * @param column the column, from 1
     */
    public record LineInfo(int offset, int file, int text, int line, int column) {
    }

    /**
     * A question about types that only who loads the program knows (CO-RE).
     *
     * @param offset bytes from the start of the section to the instruction
     * @param typeId the type, of this file; not checked
     * @param access the way to a field, as an offset of the BTF's strings; not checked
     * @param kind   what is asked, a number of {@code enum bpf_core_relo_kind}
     */
    public record Relocation(int offset, int typeId, int access, int kind) {
    }

    /** A part's record as it is found: reads the record at {@code at}. */
    private interface Reader {
        void read(String section, int at) throws BtfException;
    }

    private BtfExt(byte[] blob, Btf btf) {
        this.blob = blob;
        this.big = btf.byteOrder() == ByteOrder.BIG_ENDIAN;
        this.btf = btf;
    }

    /** No information at all. */
    public static BtfExt none(Btf btf) {
        return new BtfExt(new byte[0], btf);
    }

    /**
     * Reads the section.
     *
     * @param blob its contents
     * @param btf  the types of the same file
     * @throws BtfException if it is broken, or of the other byte order than {@code btf}
     */
    public static BtfExt parse(byte[] blob, Btf btf) throws BtfException {
        BtfExt ext = new BtfExt(blob, btf);
        ext.read();
        return ext;
    }

    /** The functions of a code section, in file order. */
    public List<FunctionInfo> functions(String section) {
        return List.copyOf(functions.getOrDefault(section, List.of()));
    }

    /** The lines of a code section, in file order. */
    public List<LineInfo> lines(String section) {
        return List.copyOf(lines.getOrDefault(section, List.of()));
    }

    /** Number of relocations that wait for a kernel's types (CO-RE). */
    public int relocations() {
        return relocations.values().stream().mapToInt(List::size).sum();
    }

    /** Those of a code section, in file order. */
    public List<Relocation> relocations(String section) {
        return List.copyOf(relocations.getOrDefault(section, List.of()));
    }

    private void read() throws BtfException {
        if (blob.length < HEADER) {
            throw fail(0, "btf_ext_header not found");
        }
        int first = blob[big ? 0 : 1] & 0xFF;
        int second = blob[big ? 1 : 0] & 0xFF;
        if ((first << 8 | second) != BtfHeader.MAGIC) {
            throw fail(0, "Invalid magic");
        }
        if (blob[2] != BtfHeader.VERSION || blob[3] != 0) {
            throw new BtfException(Errno.ENOTSUPP, 2, 0, "Unsupported version or flags", "");
        }
        int headerLength = word(4);
        if (headerLength < HEADER || headerLength > blob.length) {
            throw fail(4, "hdr_len " + Integer.toUnsignedString(headerLength) + " of " + blob.length
                    + " bytes");
        }
        part(8, headerLength, FUNCTION, (section, at) -> {
            if (Integer.compareUnsigned(word(at + 4), btf.typeCount()) >= 0) {
                throw fail(at + 4, "invalid type id " + Integer.toUnsignedString(word(at + 4))
                        + " in func info");
            }
            functions.computeIfAbsent(section, key -> new ArrayList<>())
                    .add(new FunctionInfo(word(at), word(at + 4)));
        });
        part(16, headerLength, LINE, (section, at) -> {
            if (btf.string(word(at + 4)) == null || btf.string(word(at + 8)) == null) {
                throw fail(at + 4, "Invalid line_info.line_off or .file_name_off");
            }
            int place = word(at + 12);
            lines.computeIfAbsent(section, key -> new ArrayList<>()).add(new LineInfo(word(at), word(at + 4),
                    word(at + 8), place >>> 10, place & 0x3FF));
        });
        if (headerLength >= HEADER_WITH_RELOCATIONS) {
            part(24, headerLength, RELOCATION, (section, at) -> relocations
                    .computeIfAbsent(section, key -> new ArrayList<>())
                    .add(new Relocation(word(at), word(at + 4), word(at + 8), word(at + 12))));
        }
    }

    private void part(int at, int headerLength, int least, Reader reader) throws BtfException {
        long length = Integer.toUnsignedLong(word(at + 4));
        long start = headerLength + Integer.toUnsignedLong(word(at));
        if (length == 0) {
            return;
        }
        if (start + length > blob.length || length < 4) {
            throw fail(at, "part at " + start + " with " + length + " bytes of " + blob.length);
        }
        int end = (int) (start + length);
        int position = (int) start;
        int recordSize = word(position);
        if (recordSize < least || recordSize % 4 != 0) {
            throw fail(position, "invalid info rec size " + Integer.toUnsignedString(recordSize));
        }
        position += 4;
        for (int sections = 0; position < end; sections++) {
            if (sections == MAX_SECTIONS) {
                throw fail(position, "more than " + MAX_SECTIONS + " sections");
            }
            position = section(position, end, recordSize, reader);
        }
    }

    private int section(int position, int end, int recordSize, Reader reader) throws BtfException {
        if (end - position < 8) {
            throw fail(position, "section header of " + (end - position) + " bytes");
        }
        String name = btf.string(word(position));
        long count = Integer.toUnsignedLong(word(position + 4));
        if (name == null || count == 0 || count * recordSize > end - position - 8) {
            throw fail(position, "section with " + count + " records of " + recordSize + " bytes in "
                    + (end - position - 8));
        }
        int at = position + 8;
        for (long i = 0; i < count; i++) {
            reader.read(name, at);
            at += recordSize;
        }
        return at;
    }

    private int word(int at) {
        return BtfRaw.word(blob, at, big);
    }

    private static BtfException fail(int offset, String text) {
        return new BtfException(Errno.EINVAL, offset, 0, text, "");
    }
}
