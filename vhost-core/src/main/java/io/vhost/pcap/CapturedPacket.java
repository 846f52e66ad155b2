package io.vhost.pcap;

/** A packet of a capture. Thread: immutable as long as nobody writes to its bytes. */
public final class CapturedPacket {
    private final long nanoseconds;
    private final int length;
    private final byte[] bytes;

    /**
     * Makes one.
     *
     * @param nanoseconds since 1970
     * @param length      bytes that it had before it was cut off, at least those that are here
     * @param bytes       what was captured; kept, not copied
     */
    public CapturedPacket(long nanoseconds, int length, byte[] bytes) {
        if (bytes.length > CaptureFormat.MAX_LENGTH) {
            throw new IllegalArgumentException("a packet of " + bytes.length + " bytes; at most "
                    + CaptureFormat.MAX_LENGTH);
        }
        this.nanoseconds = nanoseconds;
        this.length = length;
        this.bytes = bytes;
    }

    /** When, in nanoseconds since 1970. */
    public long nanoseconds() {
        return nanoseconds;
    }

    /** Bytes that it had on the wire. */
    public int length() {
        return length;
    }

    /** What was captured, not a copy. */
    public byte[] bytes() {
        return bytes;
    }
}
