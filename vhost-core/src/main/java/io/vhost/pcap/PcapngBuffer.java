package io.vhost.pcap;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.function.IntConsumer;

/**
 * Blocks of pcapng, little-endian and with time stamps in nanoseconds, one behind the other in memory outside
 * the heap, from where they are written. Each method appends a block, for which there must be room.
 *
 * <p>Thread: one.
 */
public final class PcapngBuffer {
    /** In a packet's flags: it came in. */
    public static final int INBOUND = 1;
    /** In a packet's flags: it went out. */
    public static final int OUTBOUND = 2;
    /** Most bytes of a text; what is longer is cut. */
    public static final int MAX_TEXT = 1024;
    /** Bytes of a block of statistics. */
    public static final int STATISTICS = 24 + 6 * 12 + 4;

    private static final byte[] NO_TEXT = {};
    private static final ValueLayout.OfInt INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    // Numbers of options, each in its kind of block.
    private static final int COMMENT = 1;
    private static final int SECTION_APPLICATION = 4;
    private static final int INTERFACE_NAME = 2;
    private static final int INTERFACE_RESOLUTION = 9;
    private static final int INTERFACE_FILTER = 11;
    private static final int PACKET_FLAGS = 2;
    private static final int PACKET_QUEUE = 6;
    private static final int STATISTICS_START = 2;
    private static final int STATISTICS_END = 3;
    private static final int STATISTICS_RECEIVED = 4;
    private static final int STATISTICS_DROPPED = 5;
    private static final int STATISTICS_ACCEPTED = 6;
    private static final int STATISTICS_DELIVERED = 8;

    private static final int NANOSECONDS = 9;
    private static final int FRAME = 12;
    private static final int PACKET_HEAD = 28;

    private final MemorySegment memory;
    private long length;
    private long start;

    /**
     * An empty one.
     *
     * @param capacity bytes
     */
    public PcapngBuffer(long capacity) {
        memory = Arena.ofAuto().allocate(capacity, Long.BYTES);
    }

    /** {@return the memory, of which the first {@link #length} bytes are blocks} */
    public MemorySegment memory() {
        return memory;
    }

    /** {@return bytes of blocks} */
    public long length() {
        return length;
    }

    /** {@return bytes that can be added} */
    public long room() {
        return memory.byteSize() - length;
    }

    /** Forgets all blocks. */
    public void clear() {
        length = 0;
    }

    /**
     * {@return the end of the last block that ends within the first bytes of what is here}
     *
     * @param within how many
     */
    public long wholeBlocks(long within) {
        long end = 0;
        while (end + FRAME <= length && end + memory.get(INT, end + 4) <= within) {
            end += memory.get(INT, end + 4);
        }
        return end;
    }

    /**
     * Names the interfaces of packets.
     *
     * @param from where a block begins
     * @param to where a block ends
     * @param interfaces is told the number of each packet's
     */
    public void packets(long from, long to, IntConsumer interfaces) {
        long at = from;
        while (at < to) {
            if (memory.get(INT, at) == CaptureFormat.ENHANCED) {
                interfaces.accept(memory.get(INT, at + 8));
            }
            at += memory.get(INT, at + 4);
        }
    }

    /** {@return the bytes of a text that an option can have} */
    public static byte[] text(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        int end = Math.min(bytes.length, MAX_TEXT);
        while (end < bytes.length && end > 0 && (bytes[end] & 0xC0) == 0x80) {
            // Not within a character.
            end--;
        }
        return end == bytes.length ? bytes : Arrays.copyOf(bytes, end);
    }

    /**
     * Begins a section, as a file does.
     *
     * @param application what writes; empty: nobody is named
     */
    public void section(byte[] application) {
        begin(CaptureFormat.SECTION);
        putInt(CaptureFormat.BYTE_ORDER);
        putInt(1);   // version 1.0
        putInt(-1);
        putInt(-1);
        option(SECTION_APPLICATION, application);
        end(application.length > 0);
    }

    /**
     * Describes the next interface; the first of a section is number 0.
     *
     * @param linkType {@link CaptureFormat#ETHERNET}, or another
     * @param snapLength most bytes of a packet that are kept
     * @param name its name; may be empty, as the other texts
     * @param filter which packets are kept
     * @param comment what else there is to say
     */
    public void describe(int linkType, int snapLength, byte[] name, byte[] filter, byte[] comment) {
        begin(CaptureFormat.INTERFACE);
        putInt(linkType);
        putInt(snapLength);
        option(INTERFACE_NAME, name);
        optionHead(INTERFACE_RESOLUTION, 1);
        putInt(NANOSECONDS);
        if (filter.length > 0) {
            // A byte in front says what kind of filter it is: 0, a text.
            byte[] text = new byte[filter.length + 1];
            System.arraycopy(filter, 0, text, 1, filter.length);
            option(INTERFACE_FILTER, text);
        }
        option(COMMENT, comment);
        end(true);
    }

    /** {@return bytes of the block that {@link #describe} appends} */
    public static int descriptionLength(byte[] name, byte[] filter, byte[] comment) {
        return 8 + FRAME + optionLength(name.length) + optionLength(1)
                + (filter.length > 0 ? optionLength(filter.length + 1) : 0)
                + optionLength(comment.length) + 4;
    }

    private static int optionLength(int bytes) {
        return bytes == 0 ? 0 : 4 + padded(bytes);
    }

    private static int padded(int bytes) {
        return bytes + 3 & ~3;
    }

    /**
     * Begins a packet, whose bytes go to {@code memory} from the position that is returned;
     * {@link #endPacket} has to follow.
     *
     * @param number of its interface
     * @param nanoseconds since 1970
     * @param captured bytes that follow
     * @param wireLength bytes that it had before it was cut off
     */
    public long packet(int number, long nanoseconds, int captured, int wireLength) {
        begin(CaptureFormat.ENHANCED);
        putInt(number);
        putStamp(nanoseconds);
        putInt(captured);
        putInt(wireLength);
        long position = length;
        int padding = padded(captured);
        if (padding > 0) {
            // The last ones are padding, or written over.
            memory.set(INT, position + padding - 4, 0);
        }
        length += padding;
        return position;
    }

    /** Ends a packet of which nothing else is known. */
    public void endPacket() {
        end(false);
    }

    /**
     * Ends a packet.
     *
     * @param flags {@link #INBOUND} or {@link #OUTBOUND}; 0: none
     * @param queue that it passed
     * @param comment may be empty
     */
    public void endPacket(int flags, int queue, byte[] comment) {
        optionHead(PACKET_FLAGS, 4);
        putInt(flags);
        optionHead(PACKET_QUEUE, 4);
        putInt(queue);
        option(COMMENT, comment);
        end(true);
    }

    /** {@return bytes of the block of a packet with flags, queue and comment} */
    public static int packetLength(int captured, byte[] comment) {
        return PACKET_HEAD + padded(captured) + 8 + 8 + optionLength(comment.length) + 4 + 4;
    }

    /**
     * Tells what became of an interface's packets; {@link #STATISTICS} bytes.
     *
     * @param number of the interface
     * @param begin when counting began, in nanoseconds since 1970
     * @param now when it ended
     * @param received packets that there were
     * @param accepted those of them that the filter let pass
     * @param dropped those of the accepted ones for which there was no room
     * @param delivered those that were written
     */
    public void statistics(int number, long begin, long now, long received, long accepted, long dropped,
            long delivered) {
        begin(CaptureFormat.STATISTICS);
        putInt(number);
        putStamp(now);
        optionHead(STATISTICS_START, 8);
        putStamp(begin);
        optionHead(STATISTICS_END, 8);
        putStamp(now);
        count(STATISTICS_RECEIVED, received);
        count(STATISTICS_DROPPED, dropped);
        count(STATISTICS_ACCEPTED, accepted);
        count(STATISTICS_DELIVERED, delivered);
        end(true);
    }

    private void count(int code, long value) {
        optionHead(code, 8);
        memory.set(LONG, length, value);
        length += 8;
    }

    private void begin(int type) {
        start = length;
        putInt(type);
        putInt(0);
    }

    private void end(boolean hasOptions) {
        if (hasOptions) {
            putInt(0);
        }
        int total = (int) (length - start) + 4;
        memory.set(INT, start + 4, total);
        putInt(total);
    }

    private void optionHead(int code, int bytes) {
        putInt(code | bytes << 16);
    }

    private void option(int code, byte[] value) {
        if (value.length > 0) {
            optionHead(code, value.length);
            int room = padded(value.length);
            memory.set(INT, length + room - 4, 0);
            MemorySegment.copy(value, 0, memory, ValueLayout.JAVA_BYTE, length, value.length);
            length += room;
        }
    }

    private void putStamp(long nanoseconds) {
        putInt((int) (nanoseconds >>> 32));
        putInt((int) nanoseconds);
    }

    private void putInt(int value) {
        memory.set(INT, length, value);
        length += 4;
    }

    /** No text. */
    public static byte[] none() {
        return NO_TEXT;
    }
}
