package io.vhost.protocol;

import java.io.IOException;

/** What the other end of a connection did wrong; the text carries the values. */
public final class ProtocolException extends IOException {
    private static final long serialVersionUID = 1;

    /** A fault described by {@code message}. */
    public ProtocolException(String message) {
        super(message);
    }

    /** A fault that {@code cause} brought to light. */
    public ProtocolException(String message, Throwable cause) {
        super(message, cause);
    }
}
