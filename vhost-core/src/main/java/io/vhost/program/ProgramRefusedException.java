package io.vhost.program;

import java.io.Serial;

/**
 * An object that cannot be loaded. The text begins with what its author has to change where that is known,
 * and names instruction and source line.
 */
public final class ProgramRefusedException extends Exception {
    @Serial
    private static final long serialVersionUID = 1L;

    private final String log;

    ProgramRefusedException(String message, String log, Throwable cause) {
        super(message, cause);
        this.log = log;
    }

    /** {@return the verifier's log, as the kernel writes it; empty if it is not the verifier that refuses} */
    public String log() {
        return log;
    }
}
