package io.vhost.bpf.elf;

/**
 * One symbol.
 *
 * @param name       its name
 * @param value      for a function or variable: bytes from the start of its section
 * @param size       bytes
 * @param type       one of the constants below, or another
 * @param binding    {@link #LOCAL}, 1 global, 2 weak
 * @param visibility one of the constants below, or another
 * @param section    index of its section; 0 if it is not defined here; above the number of sections for
 * special ones
 */
public record ElfSymbol(String name, long value, long size, int type, int binding, int visibility,
                        int section) {
    /** A variable. */
    public static final int OBJECT = 1;
    /** A function. */
    public static final int FUNCTION = 2;
    /** A section's own symbol. */
    public static final int SECTION = 3;
    /** Known in its object file only. */
    public static final int LOCAL = 0;
    /** Seen by everybody. */
    public static final int DEFAULT = 0;
    /** Seen in this component only. */
    public static final int HIDDEN = 2;
}
