package io.vhost.pcap;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Reads pcap: a header of 24 bytes, then per packet 16 bytes and its own. Thread: one. */
final class PcapFileReader extends PcapReader {
    private final ByteOrder order;
    private final long unit;
    private final int linkType;

    PcapFileReader(PcapInput input, ByteBuffer magic) throws IOException {
        super(input);
        int big = magic.order(ByteOrder.BIG_ENDIAN).getInt(0);
        int little = magic.order(ByteOrder.LITTLE_ENDIAN).getInt(0);
        boolean isBig = big == CaptureFormat.PCAP_MICROSECONDS || big == CaptureFormat.PCAP_NANOSECONDS;
        int number = isBig ? big : little;
        if (number != CaptureFormat.PCAP_MICROSECONDS && number != CaptureFormat.PCAP_NANOSECONDS) {
            throw input.wrong("begins with " + Integer.toHexString(big) + ", which is neither pcap nor"
                    + " pcapng");
        }
        order = isBig ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
        unit = number == CaptureFormat.PCAP_NANOSECONDS ? 1 : 1_000;
        ByteBuffer header = input.read(CaptureFormat.PCAP_HEADER - 4, order);
        linkType = header.getInt(16) & 0xFFFF;
    }

    @Override
    public CapturedPacket next() throws IOException {
        ByteBuffer record = input.readOrEnd(CaptureFormat.PCAP_RECORD, order);
        if (record == null) {
            return null;
        }
        int captured = record.getInt(8);
        if (captured < 0 || captured > CaptureFormat.MAX_LENGTH) {
            throw input.wrong("a packet of " + Integer.toUnsignedString(captured) + " bytes; at most "
                    + CaptureFormat.MAX_LENGTH);
        }
        long time = Integer.toUnsignedLong(record.getInt(0)) * CaptureFormat.BILLION
                + Integer.toUnsignedLong(record.getInt(4)) * unit;
        return new CapturedPacket(time, record.getInt(12), input.read(captured, order).array());
    }

    @Override
    public int linkType() {
        return linkType;
    }
}
