package io.vhost.pcap;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Writes a capture, little-endian, with time stamps in nanoseconds. Thread: one. */
public final class PcapWriter implements AutoCloseable {
    private final OutputStream stream;
    private final boolean blocks;

    private PcapWriter(OutputStream stream, boolean blocks) {
        this.stream = new BufferedOutputStream(stream);
        this.blocks = blocks;
    }

    /**
     * Begins a pcap file.
     *
     * @param stream   where to; closed with the writer
     * @param linkType {@link CaptureFormat#ETHERNET}, or another
     */
    public static PcapWriter pcap(OutputStream stream, int linkType) throws IOException {
        PcapWriter writer = new PcapWriter(stream, false);
        ByteBuffer header = ByteBuffer.allocate(CaptureFormat.PCAP_HEADER).order(ByteOrder.LITTLE_ENDIAN);
        header.putInt(CaptureFormat.PCAP_NANOSECONDS).putShort((short) 2).putShort((short) 4).putLong(0)
                .putInt(CaptureFormat.MAX_LENGTH).putInt(linkType);
        writer.stream.write(header.array());
        return writer;
    }

    /** Begins a pcapng file with one interface; otherwise the same. */
    public static PcapWriter pcapng(OutputStream stream, int linkType) throws IOException {
        PcapWriter writer = new PcapWriter(stream, true);
        ByteBuffer header = ByteBuffer.allocate(28 + 32).order(ByteOrder.LITTLE_ENDIAN);
        header.putInt(CaptureFormat.SECTION).putInt(28).putInt(CaptureFormat.BYTE_ORDER).putShort((short) 1)
                .putShort((short) 0).putLong(-1).putInt(28);
        // The option if_tsresol: ten to the power of -9; then the end of options.
        header.putInt(CaptureFormat.INTERFACE).putInt(32).putShort((short) linkType).putShort((short) 0)
                .putInt(CaptureFormat.MAX_LENGTH).putShort((short) 9).putShort((short) 1).putInt(9)
                .putInt(0).putInt(32);
        writer.stream.write(header.array());
        return writer;
    }

    /** Appends a packet; times before 1970 and, in pcap, after 2106 do not fit and come out wrong. */
    public void write(CapturedPacket packet) throws IOException {
        byte[] bytes = packet.bytes();
        if (blocks) {
            int padded = bytes.length + 3 & ~3;
            ByteBuffer block = ByteBuffer.allocate(32 + padded).order(ByteOrder.LITTLE_ENDIAN);
            block.putInt(CaptureFormat.ENHANCED).putInt(block.capacity()).putInt(0)
                    .putInt((int) (packet.nanoseconds() >>> 32)).putInt((int) packet.nanoseconds())
                    .putInt(bytes.length).putInt(packet.length()).put(bytes);
            block.putInt(28 + padded, block.capacity());
            stream.write(block.array());
        } else {
            ByteBuffer record = ByteBuffer.allocate(CaptureFormat.PCAP_RECORD).order(ByteOrder.LITTLE_ENDIAN);
            record.putInt((int) (packet.nanoseconds() / CaptureFormat.BILLION))
                    .putInt((int) (packet.nanoseconds() % CaptureFormat.BILLION)).putInt(bytes.length)
                    .putInt(packet.length());
            stream.write(record.array());
            stream.write(bytes);
        }
    }

    @Override
    public void close() throws IOException {
        stream.close();
    }
}
