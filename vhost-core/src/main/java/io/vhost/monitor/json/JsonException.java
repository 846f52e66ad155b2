package io.vhost.monitor.json;

/** A message that is not JSON as the monitor understands it. */
public final class JsonException extends Exception {
    private static final long serialVersionUID = 1L;
    /** Chars of a text: those at fault may be as long as a message. */
    private static final int MOST = 512;

    JsonException(String text) {
        super(Json.cut(text, MOST));
    }
}
