package io.vhost.pcap;

import java.io.IOException;
import java.io.Serial;

/** A file that is no capture, or a broken one. */
public final class PcapException extends IOException {
    @Serial
    private static final long serialVersionUID = 1L;

    private final long offset;

    PcapException(long offset, String text) {
        super("at offset " + offset + ": " + text);
        this.offset = offset;
    }

    /** Where in the file the fault is, in bytes. */
    public long offset() {
        return offset;
    }
}
