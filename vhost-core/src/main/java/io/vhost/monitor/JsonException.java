package io.vhost.monitor;

/** A message that is not JSON as the monitor understands it. */
final class JsonException extends Exception {
    private static final long serialVersionUID = 1L;

    JsonException(String text) {
        super(text);
    }
}
