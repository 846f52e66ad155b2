package io.vhost.program;

import io.vhost.net.InternetChecksum;
import io.vhost.net.NetHeader;
import io.vhost.net.Packet;

/**
 * Keeps a checksum right that a packet's sender left to be computed, while a program changes the packet. In
 * its place stands the sum of the pseudo-header; a program that updates it as it would a checksum leaves
 * something else there, and one that rewrites ports as well cannot know better. So the sum is made anew from
 * the headers that the program leaves behind.
 *
 * <p>What has headers that are not known here is left alone. Thread: one.
 */
final class PartialChecksum {
    private static final int TCP = 6;
    private static final int UDP = 17;
    private static final int TCP_CHECKSUM = 16;
    private static final int UDP_CHECKSUM = 6;
    private static final int ETHERNET = 14;
    private static final int TYPE = 12;
    private static final int VLAN_TAG = 4;
    private static final int MAX_TAGS = 4;
    private static final int IPV4 = 0x0800;
    private static final int IPV6 = 0x86DD;
    private static final int VLAN = 0x8100;
    private static final int PROVIDER_VLAN = 0x88A8;
    private static final int IPV4_LENGTH = 20;
    private static final int IPV4_PROTOCOL = 9;
    private static final int IPV4_ADDRESSES = 12;
    private static final int IPV6_LENGTH = 40;
    private static final int IPV6_ADDRESSES = 8;
    private static final int IPV6_NEXT = 6;
    private static final int ROUTING = 43;
    private static final int SEGMENTS_LEFT = 3;

    /** Bytes from the IP header to the checksum's start, before the program ran; 0: not known. */
    private int back;
    private int version;
    private int protocol;

    /** Looks at a packet that a program is about to change. */
    void before(Packet packet) {
        back = 0;
        if (packet.offload() != 0 && packet.needsChecksum()) {
            protocol = protocol(packet);
            int header = protocol == 0 ? -1 : find(packet);
            if (header >= 0) {
                back = packet.checksumStart() - header;
                version = packet.byteAt(header) >> 4;
            }
        }
    }

    /** Puts right what the program has changed. Not to be asked about one that only reads. */
    void after(Packet packet) {
        if (packet.dataValid()) {
            // Nobody vouches for what was rewritten.
            packet.offload(packet.offload() & ~(long) NetHeader.DATA_VALID, packet.checksumOffset());
        }
        int start = packet.checksumStart();
        if (packet.needsChecksum() && start + packet.checksumOffset() + Short.BYTES > packet.length()) {
            // It was cut off.
            packet.clearOffload();
        }
        if (packet.gsoType() != NetHeader.GSO_NONE && packet.headerLength() >= packet.length()) {
            // Nothing is left to be cut later.
            packet.offload(NetHeader.offload(NetHeader.flags(packet.offload()), NetHeader.GSO_NONE, 0, 0,
                    start), packet.checksumOffset());
        }
        if (back == 0 || !packet.needsChecksum()) {
            return;
        }
        int header = start - back;
        boolean same = header >= 0 && isHeader(packet, header, start)
                && packet.byteAt(header) >> 4 == version;
        if (!same) {
            header = find(packet);
        }
        if (header < 0) {
            packet.clearOffload();
            return;
        }
        packet.putNetworkShort(start + packet.checksumOffset(), pseudoHeader(packet, header, start));
    }

    /** Which protocol has its checksum where the packet says; 0: none that is known. */
    private static int protocol(Packet packet) {
        return switch (packet.checksumOffset()) {
            case TCP_CHECKSUM -> TCP;
            case UDP_CHECKSUM -> UDP;
            default -> 0;
        };
    }

    /** The IP header in front of the checksum's start, behind an Ethernet header and tags; -1: none. */
    private int find(Packet packet) {
        int type = TYPE;
        int start = packet.checksumStart();
        if (packet.length() < ETHERNET) {
            return -1;
        }
        for (int tags = 0; tags <= MAX_TAGS && type + 2 <= packet.length(); tags++) {
            int is = packet.networkShortAt(type);
            if (is != VLAN && is != PROVIDER_VLAN) {
                int header = type + 2;
                boolean known = is == IPV4 || is == IPV6;
                return known && isHeader(packet, header, start) ? header : -1;
            }
            type += VLAN_TAG;
        }
        return -1;
    }

    /** Whether an IP header lies there behind which the protocol's header begins at {@code start}. */
    private boolean isHeader(Packet packet, int header, int start) {
        if (header + IPV4_LENGTH > packet.length() || start <= header) {
            return false;
        }
        int first = packet.byteAt(header);
        return switch (first >> 4) {
            case 4 -> header + (first & 0xF) * 4 == start
                    && packet.byteAt(header + IPV4_PROTOCOL) == protocol;
            case 6 -> header + IPV6_LENGTH <= packet.length() && endsAt(packet, header, start);
            default -> false;
        };
    }

    /** Whether the extension headers of IPv6 end where the protocol's header begins. */
    private boolean endsAt(Packet packet, int header, int start) {
        int next = packet.byteAt(header + IPV6_NEXT);
        int at = header + IPV6_LENGTH;
        while (at < start && at + 8 <= packet.length()) {
            if (next == ROUTING && packet.byteAt(at + SEGMENTS_LEFT) != 0) {
                // The sum is that of the last destination (RFC 8200, section 8.1), not of the header's.
                return false;
            }
            int length = switch (next) {
                // Hop-by-hop and destination options (RFC 8200, section 4).
                case 0, ROUTING, 60 -> 8 + packet.byteAt(at + 1) * 8;
                case 44 -> 8;
                default -> packet.length();
            };
            next = packet.byteAt(at);
            at += length;
        }
        return at == start && next == protocol;
    }

    private int pseudoHeader(Packet packet, int header, int start) {
        boolean four = packet.byteAt(header) >> 4 == 4;
        int addresses = four ? IPV4_ADDRESSES : IPV6_ADDRESSES;
        int size = four ? 8 : 32;
        int told = packet.networkShortAt(header + (four ? 2 : 4));
        int headers = start - header - (four ? 0 : IPV6_LENGTH);
        // What is longer than the field can tell has 0 there.
        int payload = told == 0 ? packet.length() - start : told - headers;
        long sum = InternetChecksum.sum(packet.segment(), packet.dataOffset() + header + addresses, size)
                + (long) protocol + (payload & 0xFFFF);
        sum = (sum & 0xFFFF) + (sum >>> 16);
        return (int) ((sum & 0xFFFF) + (sum >>> 16));
    }
}
