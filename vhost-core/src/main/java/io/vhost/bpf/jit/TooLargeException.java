package io.vhost.bpf.jit;

import java.io.Serial;

/** A function that is too large for HotSpot: the interpreter has to run the program. */
public final class TooLargeException extends Exception {
    @Serial
    private static final long serialVersionUID = 1L;

    TooLargeException(String function, String size) {
        super("function " + function + " becomes " + size + " of bytecode, HotSpot compiles at most "
                + Compiler.MAX_METHOD + " bytes: split it into functions that are not inlined");
    }
}
