package io.vhost.testing;

/**
 * The bytes of a fuzzer, read as numbers from the first to the last; behind the end all is 0. One byte
 * decides one thing, so that a fuzzer that changes a byte changes one decision.
 */
public final class FuzzInput {
    private final byte[] data;
    private int at;

    /** An input that nothing was read of. */
    public FuzzInput(byte[] data) {
        this.data = data;
    }

    /** Whether there is another byte. */
    public boolean hasMore() {
        return at < data.length;
    }

    /** The next byte, 0 to 255. */
    public int next() {
        return at < data.length ? data[at++] & 0xFF : 0;
    }

    /** A number below {@code bound}, of one byte. */
    public int below(int bound) {
        return next() % bound;
    }

    /** A decision of one byte, seldom yes. */
    public boolean rarely() {
        return next() >= 0xF0;
    }

    /** Two bytes, little endian. */
    public int next16() {
        return next() | next() << 8;
    }

    /** Four bytes, little endian. */
    public int next32() {
        return next16() | next16() << 16;
    }

    /** Eight bytes, little endian. */
    public long next64() {
        return (next32() & 0xFFFF_FFFFL) | (long) next32() << 32;
    }

    /** The next bytes, as many as there are. */
    public byte[] bytes(int count) {
        byte[] bytes = new byte[count];
        for (int i = 0; i < count; i++) {
            bytes[i] = (byte) next();
        }
        return bytes;
    }
}
