package io.vhost.net;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * The Internet checksum (RFC 1071) in software, for a packet whose sender left it to the device and whose
 * receiver does not want that.
 *
 * <p>Stateless. The thread that calls owns the packet.
 *
 * <p>Whether numbers are read in network order or the other way round changes a ones' complement sum only by
 * the swap of its two bytes, and words of any width may be added as long as carries come back in at the low
 * end. So the loop adds little-endian longs, in two halves that leave room for the carries, and swaps once at
 * the end.
 */
public final class InternetChecksum {
    private static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private InternetChecksum() {}

    /**
     * Computes the checksum that {@link Packet#needsChecksum} asks for (virtio 1.2, section 5.1.6.2), and
     * clears the request. A result of 0 is written as 0xFFFF, its equal in ones' complement: over UDP 0 means
     * "none".
     *
     * @param packet whose offload fields may come from a hostile peer
     * @return true if the packet needs no checksum now; false if it asks for the impossible, which is one
     *     that does not lie within the packet, or one for a packet that still has to be segmented: nothing
     *     changed
     */
    public static boolean complete(Packet packet) {
        if (!packet.needsChecksum()) {
            return true;
        }
        int start = packet.checksumStart();
        int place = start + packet.checksumOffset();
        if (place + Short.BYTES > packet.length() || packet.gsoType() != NetHeader.GSO_NONE) {
            return false;
        }
        int sum = sum(packet.segment(), packet.dataOffset() + start, packet.length() - start);
        packet.putNetworkShort(place, sum == 0xFFFF ? sum : ~sum);
        packet.offload(NetHeader.withoutChecksum(packet.offload()), 0);
        return true;
    }

    /**
     * Adds up memory as big-endian 16-bit words in ones' complement. An odd last byte counts as if a 0
     * followed.
     *
     * @param segment native memory
     * @param offset of the first byte, at any alignment
     * @param length bytes
     * @return the sum, 0 to 0xFFFF; the checksum is its complement
     * @throws IndexOutOfBoundsException if the range is not inside the segment
     */
    public static int sum(MemorySegment segment, long offset, int length) {
        long low = 0;
        long high = 0;
        int whole = length & -Long.BYTES;
        for (int i = 0; i < whole; i += Long.BYTES) {
            long word = segment.get(LONG, offset + i);
            low += word & 0xFFFF_FFFFL;
            high += word >>> 32;
        }
        long rest = 0;
        for (int i = length - 1; i >= whole; i--) {
            rest = (rest << 8) | (segment.get(ValueLayout.JAVA_BYTE, offset + i) & 0xFF);
        }
        return fold(low + high + (rest & 0xFFFF_FFFFL) + (rest >>> 32));
    }

    private static int fold(long sum) {
        long folded = (sum & 0xFFFF_FFFFL) + (sum >>> 32);
        folded = (folded & 0xFFFF_FFFFL) + (folded >>> 32);
        folded = (folded & 0xFFFF) + (folded >>> 16);
        folded = (folded & 0xFFFF) + (folded >>> 16);
        return Short.toUnsignedInt(Short.reverseBytes((short) folded));
    }
}
