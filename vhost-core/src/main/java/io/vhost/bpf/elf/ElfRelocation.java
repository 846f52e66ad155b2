package io.vhost.bpf.elf;

/**
 * One relocation.
 *
 * @param offset bytes from the start of the section that it changes
 * @param symbol index of the symbol
 * @param type   one of the machine's types
 */
public record ElfRelocation(long offset, int symbol, int type) {
    /** BPF: the 64-bit immediate of an lddw instruction. */
    public static final int BPF_64_64 = 1;
    /** BPF: a 32-bit word of data. */
    public static final int BPF_64_ABS32 = 3;
    /** BPF: a 32-bit word that a dynamic linker leaves alone, as in .BTF. */
    public static final int BPF_64_NODYLD32 = 4;
    /** BPF: the immediate of a call instruction. */
    public static final int BPF_64_32 = 10;
}
