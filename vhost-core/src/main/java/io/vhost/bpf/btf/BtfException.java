package io.vhost.bpf.btf;

import java.io.Serial;

/**
 * BTF data that cannot be used: the one error for it in this package and those that look into it.
 *
 * <p>The message is a sentence with values; {@link #text} is the part of it that the kernel prints too.
 */
public final class BtfException extends Exception {
    @Serial
    private static final long serialVersionUID = 1L;

    private final Errno errno;
    private final int offset;
    private final int typeId;
    private final String text;
    private final String log;

    /**
     * A refusal.
     *
     * @param errno  the error number that the kernel would answer
     * @param offset where in the data the fault is, in bytes from its start
     * @param typeId the type at fault, or 0 if the fault is not in a type
     * @param text   what is wrong, in the kernel's words where the kernel has words for it
     * @param log    the log as the kernel writes it
     */
    public BtfException(Errno errno, int offset, int typeId, String text, String log) {
        super(sentence(errno, offset, typeId, text));
        this.errno = errno;
        this.offset = offset;
        this.typeId = typeId;
        this.text = text;
        this.log = log;
    }

    /** The error number that the kernel would answer. */
    public Errno errno() {
        return errno;
    }

    /** Where in the data the fault is, in bytes from its start. */
    public int offset() {
        return offset;
    }

    /** The type at fault, or 0 if the fault is not in a type. */
    public int typeId() {
        return typeId;
    }

    /** What is wrong, in the kernel's words where the kernel has words for it. */
    public String text() {
        return text;
    }

    /** The log as the kernel writes it; without trace lines unless they were asked for. */
    public String log() {
        return log;
    }

    private static String sentence(Errno errno, int offset, int typeId, String text) {
        String where = typeId == 0 ? "" : ", type " + typeId;
        return "BTF refused at offset " + offset + where + ": " + text + " (" + errno + ")";
    }
}
