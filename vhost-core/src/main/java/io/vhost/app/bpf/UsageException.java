package io.vhost.app.bpf;

/** What the user asked for does not fit the object. */
final class UsageException extends Exception {
    private static final long serialVersionUID = 1L;

    UsageException(String text, Throwable cause) {
        super(text, cause);
    }
}
