package io.vhost.pcap;

import java.io.IOException;

/** Reads a capture of either format and either byte order, packet by packet. Thread: one. */
public abstract sealed class PcapReader implements AutoCloseable permits PcapFileReader, PcapngReader {
    /** Where the bytes come from. */
    final PcapInput input;

    PcapReader(PcapInput input) {
        this.input = input;
    }

    /**
     * The next packet, or null at the end.
     *
     * @throws PcapException if the file is broken
     */
    public abstract CapturedPacket next() throws IOException;

    /** What kind of network it was captured on; of the packet read last. */
    public abstract int linkType();

    @Override
    public void close() throws IOException {
        input.close();
    }
}
