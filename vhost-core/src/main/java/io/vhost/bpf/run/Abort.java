package io.vhost.bpf.run;

/** Why a program was ended before its own end. */
public enum Abort {
    /** It was not. */
    NONE("not aborted"),
    /** It loaded or stored where it has no memory, or in the wrong region. */
    OUT_OF_BOUNDS("access outside the program's memory"),
    /** An atomic operation on an unaligned address, or a store to memory that is for reading. */
    BAD_ACCESS("unaligned atomic operation or store to read-only memory"),
    /** Its jumps back and its calls used up the budget. */
    BUDGET("more jumps back and calls than the budget allows"),
    /** Calls nested deeper than eight frames. */
    CALL_DEPTH("calls nested deeper than 8 frames"),
    /** A helper was given what it cannot work with. */
    HELPER_ARGUMENT("an argument that the helper does not take"),
    /** It reached what asks for a type or field that there is not. */
    UNRESOLVED("asks for a type or field that the named types do not have"),
    /** A helper of the application threw. */
    HELPER_FAILED("a helper threw an exception");

    private final String text;

    Abort(String text) {
        this.text = text;
    }

    /** A few words for messages. */
    public String text() {
        return text;
    }
}
