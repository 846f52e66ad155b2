package io.vhost.bpf;

import io.vhost.bpf.btf.BtfException;
import java.io.Serial;

/**
 * An object file or a set of kernel types that cannot be used: the one error of this package for broken
 * input.
 *
 * <p>The message is a sentence that names the stage, the place and what is wrong with its values.
 */
public final class BpfException extends Exception {
    @Serial
    private static final long serialVersionUID = 1L;

    private final Stage stage;
    private final long offset;
    private final int typeId;
    private final String text;

    /** The step that failed: they run in this order. */
    public enum Stage {
        /** Reading the ELF file. */
        ELF,
        /** Reading the BTF sections as the compiler wrote them. */
        READ,
        /** Putting the section sizes, offsets and linkages right that a compiler leaves open. */
        FIX_UP,
        /** Checking the BTF as a kernel would. */
        VALIDATE,
        /** Finding out programs, maps and their types. */
        OBJECT,
        /** Looking up the context types in a kernel's BTF. */
        CONTEXT,
        /** Putting a program together with the functions and maps that it refers to. */
        LINK
    }

    BpfException(Stage stage, long offset, String text) {
        this(stage, offset, 0, text, null);
    }

    BpfException(Stage stage, long offset, int typeId, String text, Throwable cause) {
        super(stage + " at offset " + offset + (typeId == 0 ? "" : ", type " + typeId) + ": " + text, cause);
        this.stage = stage;
        this.offset = offset;
        this.typeId = typeId;
        this.text = text;
    }

    /** BTF that was refused, in a file of its own. */
    public BpfException(Stage stage, BtfException cause) {
        this(stage, cause.offset(), cause.typeId(), cause.text() + " (" + cause.errno() + ")", cause);
    }

    /** BTF that was refused, where {@code start} is the blob's place in its file. */
    static BpfException of(Stage stage, long start, BtfException cause) {
        String text = cause.text() + " (" + cause.errno() + ")";
        return new BpfException(stage, start + cause.offset(), cause.typeId(), text, cause);
    }

    /** The step that failed. */
    public Stage stage() {
        return stage;
    }

    /** Where the fault is, in bytes from the start of the file or blob. */
    public long offset() {
        return offset;
    }

    /** The BTF type at fault, or 0. */
    public int typeId() {
        return typeId;
    }

    /** What is wrong, without the place. */
    public String text() {
        return text;
    }
}
