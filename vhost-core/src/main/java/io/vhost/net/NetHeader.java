package io.vhost.net;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The header that precedes each packet in a virtio-net queue (virtio 1.2, section 5.1.6). Little-endian.
 *
 * <pre>
 *   0       1          2         4          6            8             10            12
 *   +-------+----------+---------+----------+------------+-------------+-------------+
 *   | flags | gso_type | hdr_len | gso_size | csum_start | csum_offset | num_buffers |
 *   +-------+----------+---------+----------+------------+-------------+-------------+
 *   |&lt;------------- the offload word, 8 bytes -----------&gt;|             |
 *   |&lt;------------------ 10 bytes: legacy, no mergeable buffers -------&gt;|
 *   |&lt;------------------ 12 bytes: VERSION_1 or mergeable buffers --------------------&gt;|
 *
 *   offload word, as a long:
 *    63        48 47        32 31        16 15       8 7     0
 *   +------------+------------+------------+----------+-------+
 *   | csum_start |  gso_size  |  hdr_len   | gso_type | flags |
 *   +------------+------------+------------+----------+-------+
 * </pre>
 *
 * <p>The offload word is read and written in one access, so that a peer that changes it meanwhile cannot show
 * one value to the check and another to the use. The static methods take it apart; all results are unsigned.
 */
public final class NetHeader {
    /** Length in bytes with neither VERSION_1 nor mergeable receive buffers: num_buffers is absent. */
    public static final int LEGACY_LENGTH = 10;
    /** Length in bytes with VERSION_1 or mergeable receive buffers. */
    public static final int LENGTH = 12;

    /** Offset of flags, gso_type, hdr_len, gso_size and csum_start: one 8-byte little-endian word. */
    public static final int OFFLOAD_OFFSET = 0;
    /** Offset of csum_offset, 2 bytes. */
    public static final int CHECKSUM_OFFSET_OFFSET = 8;
    /** Offset of num_buffers, 2 bytes: chains that a received packet fills, 1 if not mergeable. */
    public static final int BUFFER_COUNT_OFFSET = 10;

    /**
     * Flag: the checksum from csum_start to the end of the packet is still to be computed. Its place holds
     * the sum of the pseudo header; the result goes to csum_start + csum_offset.
     */
    public static final int NEEDS_CHECKSUM = 1;
    /** Flag, device to driver only: the checksum has been verified. */
    public static final int DATA_VALID = 2;
    /** Flag, device to driver only: csum_start and csum_offset hold segment coalescing counts instead. */
    public static final int COALESCING_INFO = 4;

    /** Segmentation type: none, an ordinary packet. */
    public static final int GSO_NONE = 0;
    /** Segmentation type: TCP over IPv4. */
    public static final int GSO_TCPV4 = 1;
    /** Segmentation type: UDP over IPv4, by IP fragments. */
    public static final int GSO_UDP = 3;
    /** Segmentation type: TCP over IPv6. */
    public static final int GSO_TCPV6 = 4;
    /** Segmentation type: UDP, one datagram a segment (F_GUEST_USO, F_HOST_USO). */
    public static final int GSO_UDP_L4 = 5;
    /** Added to a TCP segmentation type: the packet has the congestion bit (CWR) set. */
    public static final int GSO_ECN = 0x80;

    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(LITTLE_ENDIAN);

    private NetHeader() {}

    /**
     * {@return the offload word of the header at {@code position}}
     *
     * @param memory where the header lies, in one piece
     * @param position of its first byte
     */
    public static long offload(MemorySegment memory, long position) {
        return memory.get(LONG, position + OFFLOAD_OFFSET);
    }

    /**
     * {@return csum_offset of the header at {@code position}: 0 to 0xFFFF}
     *
     * @param memory where the header lies, in one piece
     * @param position of its first byte
     */
    public static int checksumOffset(MemorySegment memory, long position) {
        return memory.get(SHORT, position + CHECKSUM_OFFSET_OFFSET) & 0xFFFF;
    }

    /**
     * {@return num_buffers of the header at {@code position}: 0 to 0xFFFF}
     *
     * @param memory where the header lies, in one piece, of {@link #LENGTH} bytes
     * @param position of its first byte
     */
    public static int bufferCount(MemorySegment memory, long position) {
        return memory.get(SHORT, position + BUFFER_COUNT_OFFSET) & 0xFFFF;
    }

    /**
     * Writes a header, but only where it differs from what is there. In steady state it never does, and the
     * other side's cache line stays shared instead of travelling between two processors.
     *
     * @param memory where the header goes, in one piece
     * @param position of its first byte
     * @param length of the header, {@link #LENGTH} or {@link #LEGACY_LENGTH}
     * @param offload the offload word
     * @param checksumOffset csum_offset
     * @param bufferCount num_buffers; not written in a header of {@link #LEGACY_LENGTH}
     */
    public static void update(
            MemorySegment memory, long position, int length, long offload, int checksumOffset,
            int bufferCount) {
        if (memory.get(LONG, position + OFFLOAD_OFFSET) != offload) {
            memory.set(LONG, position + OFFLOAD_OFFSET, offload);
        }
        long tailPosition = position + CHECKSUM_OFFSET_OFFSET;
        if (length == LENGTH) {
            int tail = checksumOffset | bufferCount << 16;
            if (memory.get(INT, tailPosition) != tail) {
                memory.set(INT, tailPosition, tail);
            }
        } else if (memory.get(SHORT, tailPosition) != (short) checksumOffset) {
            memory.set(SHORT, tailPosition, (short) checksumOffset);
        }
    }

    /**
     * {@return length of the header that two peers agreed on: {@link #LENGTH} or {@link #LEGACY_LENGTH}}
     *
     * @param mergeable VIRTIO_NET_F_MRG_RXBUF was negotiated
     * @param version1 VIRTIO_F_VERSION_1 was negotiated
     */
    public static int length(boolean mergeable, boolean version1) {
        return mergeable || version1 ? LENGTH : LEGACY_LENGTH;
    }

    /**
     * Puts an offload word together. Each value is cut to its field.
     *
     * @param flags a sum of {@link #NEEDS_CHECKSUM} and its neighbours
     * @param gsoType {@link #GSO_NONE} or a neighbour, with or without {@link #GSO_ECN}
     * @param headerLength bytes of all protocol headers, a hint for segmentation
     * @param gsoSize payload bytes of each segment but the last
     * @param checksumStart offset in the data of the first byte to sum
     * @return the word
     */
    public static long offload(int flags, int gsoType, int headerLength, int gsoSize, int checksumStart) {
        return (flags & 0xFF) | ((gsoType & 0xFF) << 8) | ((headerLength & 0xFFFFL) << 16)
                | ((gsoSize & 0xFFFFL) << 32) | ((long) checksumStart << 48);
    }

    /**
     * {@return the flags of an offload word: 0 to 0xFF}
     *
     * @param offload the word
     */
    public static int flags(long offload) {
        return (int) offload & 0xFF;
    }

    /**
     * {@return the segmentation type of an offload word, {@link #GSO_ECN} included: 0 to 0xFF}
     *
     * @param offload the word
     */
    public static int gsoType(long offload) {
        return ((int) offload >>> 8) & 0xFF;
    }

    /**
     * {@return the length of all protocol headers in an offload word: a hint, 0 to 0xFFFF}
     *
     * @param offload the word
     */
    public static int headerLength(long offload) {
        return (int) offload >>> 16;
    }

    /**
     * {@return the payload bytes of each segment in an offload word: 0 to 0xFFFF}
     *
     * @param offload the word
     */
    public static int gsoSize(long offload) {
        return (int) (offload >>> 32) & 0xFFFF;
    }

    /**
     * {@return the offset of the first byte to sum in an offload word: 0 to 0xFFFF}
     *
     * @param offload the word
     */
    public static int checksumStart(long offload) {
        return (int) (offload >>> 48);
    }

    /** The word with a request for a checksum from {@code start} on. */
    static long withChecksum(long offload, int start) {
        return (offload & 0x0000_FFFF_FFFF_FFFFL) | ((long) start << 48) | NEEDS_CHECKSUM;
    }

    /** The word without the request for a checksum. */
    static long withoutChecksum(long offload) {
        return offload & ~(0xFFFF_0000_0000_0000L | NEEDS_CHECKSUM);
    }

    /** The word after {@code count} bytes were put in front of the data, or removed there if negative. */
    static long moved(long offload, int count) {
        long result = offload;
        if ((flags(offload) & NEEDS_CHECKSUM) != 0) {
            int start = checksumStart(offload) + count;
            result = withoutChecksum(result);
            if (start >= 0 && start <= 0xFFFF) {
                result = withChecksum(result, start);
            }
        }
        int headers = Math.clamp((long) headerLength(offload) + count, 0, 0xFFFF);
        return headerLength(offload) == 0 ? result : (result & ~0xFFFF_0000L) | ((long) headers << 16);
    }

    /**
     * Says whether a peer's offload fields can be carried out on a packet: the checksum lies within it, the
     * segmentation type is known, its segment size is not 0, its headers leave some payload, and it comes
     * with a checksum request, which segmentation needs (virtio 1.2, section 5.1.6.2).
     *
     * @param offload the offload word
     * @param checksumOffset csum_offset, 0 to 0xFFFF
     * @param length bytes of packet data
     * @return false if the peer is wrong or hostile
     */
    public static boolean isPlausible(long offload, int checksumOffset, int length) {
        return offload == 0
                || (checksumFits(offload, checksumOffset, length) && segmentationFits(offload, length));
    }

    private static boolean checksumFits(long offload, int checksumOffset, int length) {
        return (flags(offload) & NEEDS_CHECKSUM) == 0
                || checksumStart(offload) + checksumOffset + Short.BYTES <= length;
    }

    private static boolean segmentationFits(long offload, int length) {
        return switch (gsoType(offload)) {
            case GSO_NONE -> true;
            case GSO_TCPV4, GSO_TCPV4 | GSO_ECN, GSO_TCPV6, GSO_TCPV6 | GSO_ECN, GSO_UDP, GSO_UDP_L4 ->
                gsoSize(offload) != 0 && headerLength(offload) < length
                        && (flags(offload) & NEEDS_CHECKSUM) != 0;
            default -> false;
        };
    }
}
