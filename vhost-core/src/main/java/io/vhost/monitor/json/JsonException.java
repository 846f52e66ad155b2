package io.vhost.monitor.json;

/** A message that is not JSON as the monitor understands it. */
public final class JsonException extends Exception {
    private static final long serialVersionUID = 1L;

    JsonException(String text) {
        super(text);
    }
}
