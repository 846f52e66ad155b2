package io.vhost.bpf.elf;

/**
 * One section header.
 *
 * @param index     its place in the table
 * @param name      its name
 * @param type      one of the constants below, or another
 * @param flags     bits
 * @param offset    bytes from the start of the file
 * @param size      bytes; inside the file unless the type is {@link #NO_BITS}
 * @param link      another section's index, by type
 * @param info      more, by type
 * @param entrySize bytes of an entry of a table, else 0
 */
public record ElfSection(int index, String name, int type, long flags, int offset, long size, int link,
                         int info, long entrySize) {
    /** No section: a header that stands for nothing. */
    public static final int NONE = 0;
    /** Code or data. */
    public static final int PROG_BITS = 1;
    /** Symbols. */
    public static final int SYMBOL_TABLE = 2;
    /** Names. */
    public static final int STRING_TABLE = 3;
    /** Data that is all zero and takes no room in the file. */
    public static final int NO_BITS = 8;
    /** Relocations without addend. */
    public static final int RELOCATIONS = 9;

    private static final long EXECUTABLE = 4;

    /** Whether the section holds instructions. */
    public boolean isCode() {
        return type == PROG_BITS && (flags & EXECUTABLE) != 0;
    }
}
