package io.vhost.bpf.jit;

import java.io.Serial;

/** A program that is too large to be compiled: the interpreter has to run it. */
public final class TooLargeException extends Exception {
    @Serial
    private static final long serialVersionUID = 1L;

    TooLargeException(String program, int instructions) {
        super("program " + program + " has " + instructions + " instructions, at most "
                + Compiler.MAX_INSTRUCTIONS + " are compiled: split it, programs can tail-call each other");
    }
}
