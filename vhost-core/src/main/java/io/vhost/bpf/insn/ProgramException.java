package io.vhost.bpf.insn;

import java.io.Serial;

/** A program that cannot run: which instruction is at fault, and what its author has to change. */
public final class ProgramException extends Exception {
    @Serial
    private static final long serialVersionUID = 1L;

    private final int instruction;
    private final String text;

    /**
     * Makes one.
     *
     * @param instruction number of the instruction in the program, from 0
     * @param source      its source line, or the empty string
     * @param text        what is wrong with its values, and the remedy
     */
    public ProgramException(int instruction, String source, String text) {
        super("instruction " + instruction + (source.isEmpty() ? "" : " (" + source + ")") + ": " + text);
        this.instruction = instruction;
        this.text = text;
    }

    /** The instruction's number, from 0. */
    public int instruction() {
        return instruction;
    }

    /** What is wrong, without the place. */
    public String text() {
        return text;
    }
}
