package io.vhost.bpf.elf;

import java.io.Serial;

/** A file that is no ELF object of the kind that is read here, or a broken one. */
public final class ElfException extends Exception {
    @Serial
    private static final long serialVersionUID = 1L;

    private final long offset;

    ElfException(long offset, String text) {
        super(text);
        this.offset = offset;
    }

    /** Where in the file the fault is, in bytes. */
    public long offset() {
        return offset;
    }
}
