package io.vhost.app.polling;

import java.io.IOException;
import java.io.UncheckedIOException;

/** A program ends while a DMA channel may still be touching some of its packets. */
public final class LateCopyException extends UncheckedIOException {
    private static final long serialVersionUID = 1;

    LateCopyException(int packets) {
        super(new IOException(("%d packets are given up with this process: a guest has gone whose memory"
                + " holds up a copy, which has not ended").formatted(packets)));
    }
}
