package io.vhost.pcap;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Opens captures of either format. Thread: stateless. */
public final class Captures {
    private Captures() {
    }

    /**
     * Opens a capture.
     *
     * @param stream the file; closed with the reader, and if this throws
     * @throws PcapException if it is none
     */
    public static PcapReader open(InputStream stream) throws IOException {
        PcapInput input = new PcapInput(new BufferedInputStream(stream));
        boolean opened = false;
        try {
            ByteBuffer magic = input.read(4, ByteOrder.BIG_ENDIAN);
            PcapReader reader = magic.getInt(0) == CaptureFormat.SECTION ? new PcapngReader(input)
                    : new PcapFileReader(input, magic);
            opened = true;
            return reader;
        } finally {
            if (!opened) {
                input.close();
            }
        }
    }
}
