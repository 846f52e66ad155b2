package io.vhost.bpf.insn;

import java.io.Serial;

/** A program that cannot run: which instruction is at fault, and what its author has to change. */
public final class ProgramException extends Exception {
    @Serial
    private static final long serialVersionUID = 1L;

    private final int instruction;
    private final String text;
    private final String log;

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
        this.log = "";
    }

    private ProgramException(String message, int instruction, String text, String log) {
        super(message);
        this.instruction = instruction;
        this.text = text;
        this.log = log;
    }

    /**
     * A verifier refuses a program: the message begins with what its author has to change.
     *
     * @param remedy what to change
     * @param text   what is wrong, in the kernel's words
     * @param log    the verifier's log, or the empty string
     */
    public static ProgramException refused(int instruction, String source, String remedy, String text,
            String log) {
        String place = "instruction " + instruction + (source.isEmpty() ? "" : " (" + source + ")");
        return new ProgramException(remedy + "; " + place + ": " + text, instruction, remedy + ": " + text,
                log);
    }

    /** The instruction's number, from 0. */
    public int instruction() {
        return instruction;
    }

    /** The verifier's log, if it is the verifier that refuses the program and a log was asked for. */
    public String log() {
        return log;
    }

    /** What is wrong, without the place. */
    public String text() {
        return text;
    }
}
