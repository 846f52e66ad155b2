package io.vhost.queue;

/** A request of a front-end that a device refuses. The text says what was asked, with values, and why not. */
public final class ControlException extends Exception {
    private static final long serialVersionUID = 1L;

    /** A refusal for the reason that {@code message} gives. */
    public ControlException(String message) {
        super(message);
    }

    /** A refusal with its cause. */
    public ControlException(String message, Throwable cause) {
        super(message, cause);
    }
}
