package io.vhost.monitor.command;

/** A command failed: what the client is told. */
public final class CommandException extends Exception {
    private static final long serialVersionUID = 1L;

    private final ErrorClass errorClass;

    /**
     * An error of class {@link ErrorClass#GENERIC_ERROR}.
     *
     * @param description what went wrong, in one line
     */
    public CommandException(String description) {
        this(ErrorClass.GENERIC_ERROR, description);
    }

    /**
     * An error.
     *
     * @param errorClass its kind
     * @param description what went wrong, in one line
     */
    public CommandException(ErrorClass errorClass, String description) {
        super(description);
        this.errorClass = errorClass;
    }

    /** The kind of error. */
    public ErrorClass errorClass() {
        return errorClass;
    }
}
