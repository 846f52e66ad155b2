package io.vhost.memory;

/** A memory table that a front-end sent cannot be used. The message says why, with the values. */
public final class MemoryTableException extends Exception {
    private static final long serialVersionUID = 1L;

    /**
     * A table that contradicts itself or its files.
     *
     * @param message what is wrong, with the values
     */
    MemoryTableException(String message) {
        super(message);
    }

    /**
     * A table that the operating system refuses to map.
     *
     * @param cause the call that failed
     */
    MemoryTableException(RuntimeException cause) {
        super("memory table cannot be mapped: " + cause.getMessage(), cause);
    }
}
