package io.vhost.pcap;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** A stream with its place, read in whole pieces. Thread: one. */
final class PcapInput implements AutoCloseable {
    private final InputStream stream;
    private long offset;

    PcapInput(InputStream stream) {
        this.stream = stream;
    }

    long offset() {
        return offset;
    }

    /** The next bytes, or null at the end of the file; an end in between is an error. */
    ByteBuffer readOrEnd(int length, ByteOrder order) throws IOException {
        byte[] bytes = stream.readNBytes(length);
        if (bytes.length == 0 && length > 0) {
            return null;
        }
        if (bytes.length < length) {
            throw new PcapException(offset, "the file ends after " + bytes.length + " of " + length
                    + " bytes: it was cut off");
        }
        offset += length;
        return ByteBuffer.wrap(bytes).order(order);
    }

    ByteBuffer read(int length, ByteOrder order) throws IOException {
        ByteBuffer bytes = readOrEnd(length, order);
        if (bytes == null) {
            throw new PcapException(offset, "the file ends where " + length + " bytes were to come");
        }
        return bytes;
    }

    PcapException wrong(String text) {
        return new PcapException(offset, text);
    }

    @Override
    public void close() throws IOException {
        stream.close();
    }
}
