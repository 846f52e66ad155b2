package io.vhost.pcap;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Writes a capture, little-endian, with time stamps in nanoseconds. Thread: one. */
public final class PcapWriter implements AutoCloseable {
    /** Room for the longest packet, and what is around it. */
    private static final int BLOCK = CaptureFormat.MAX_LENGTH + 128;

    private final OutputStream stream;
    /** Null: it is pcap. */
    private final PcapngBuffer blocks;

    private PcapWriter(OutputStream stream, PcapngBuffer blocks) {
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
        PcapWriter writer = new PcapWriter(stream, null);
        ByteBuffer header = ByteBuffer.allocate(CaptureFormat.PCAP_HEADER).order(ByteOrder.LITTLE_ENDIAN);
        header.putInt(CaptureFormat.PCAP_NANOSECONDS).putShort((short) 2).putShort((short) 4).putLong(0)
                .putInt(CaptureFormat.MAX_LENGTH).putInt(linkType);
        writer.stream.write(header.array());
        return writer;
    }

    /** Begins a pcapng file with one interface; otherwise the same. */
    public static PcapWriter pcapng(OutputStream stream, int linkType) throws IOException {
        PcapWriter writer = new PcapWriter(stream, new PcapngBuffer(BLOCK));
        byte[] none = PcapngBuffer.none();
        writer.blocks.section(none);
        writer.blocks.describe(linkType, CaptureFormat.MAX_LENGTH, none, none, none);
        writer.writeBlocks();
        return writer;
    }

    private void writeBlocks() throws IOException {
        stream.write(blocks.memory().asSlice(0, blocks.length()).toArray(ValueLayout.JAVA_BYTE));
        blocks.clear();
    }

    /** Appends a packet; times before 1970 and, in pcap, after 2106 do not fit and come out wrong. */
    public void write(CapturedPacket packet) throws IOException {
        byte[] bytes = packet.bytes();
        if (blocks != null) {
            long at = blocks.packet(0, packet.nanoseconds(), bytes.length, packet.length());
            MemorySegment.copy(bytes, 0, blocks.memory(), ValueLayout.JAVA_BYTE, at, bytes.length);
            blocks.endPacket();
            writeBlocks();
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
