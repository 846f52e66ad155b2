package io.vhost.net;

import io.vhost.memory.NativeCopy;

/**
 * Cuts a TCP packet that its sender left uncut into segments, for a receiver that does not take such packets
 * (virtio 1.2, 5.1.6.2). The segments ask for their checksum, as the packet did: {@link InternetChecksum}
 * completes it where nobody else does.
 *
 * <p>Thread: the owner of the packets. One object serves any number of packets, one after another.
 */
public final class Segmenter {
    private static final int ETHERNET = 14;
    private static final int TYPE = 12;
    private static final int VLAN = 4;
    private static final int IPV4 = 0x0800;
    private static final int IPV6 = 0x86DD;
    private static final int IPV4_HEADER = 20;
    private static final int IPV6_HEADER = 40;
    private static final int TCP = 6;
    private static final int TCP_HEADER = 20;
    private static final int TCP_CHECKSUM = 16;
    private static final int FIN = 0x01;
    private static final int PSH = 0x08;
    private static final int CWR = 0x80;
    /** A sender that wants smaller ones wants to keep us busy: TCP over IPv4 never has fewer. */
    private static final int LEAST_SIZE = 48;

    private Packet packet;
    private boolean version4;
    private int ip;
    private int tcp;
    private int headers;
    private int size;
    private int done;

    /** Has nothing to cut. */
    public Segmenter() {}

    /**
     * Begins with a packet, which stays the caller's and must not change until it is cut.
     *
     * @param uncut a packet with a segmentation type
     * @return segments that {@link #next} will make; 0 if the packet is not what its offload fields say
     */
    public int begin(Packet uncut) {
        packet = uncut;
        done = 0;
        size = uncut.gsoSize();
        int type = uncut.gsoType() & ~NetHeader.GSO_ECN;
        version4 = type == NetHeader.GSO_TCPV4;
        boolean possible = size >= LEAST_SIZE
                && uncut.needsChecksum() && uncut.checksumOffset() == TCP_CHECKSUM
                && (version4 || type == NetHeader.GSO_TCPV6)
                && findHeaders();
        return possible ? (uncut.length() - headers + size - 1) / size : 0;
    }

    /** {@return bytes of the longest segment} */
    public int longest() {
        return Math.min(packet.length(), headers + size);
    }

    private boolean findHeaders() {
        int length = packet.length();
        int position = TYPE;
        while (position + Short.BYTES <= length && isVlan(packet.networkShortAt(position))) {
            position += VLAN;
        }
        ip = position + Short.BYTES;
        tcp = packet.checksumStart();
        int least = version4 ? IPV4_HEADER : IPV6_HEADER;
        if (ip < ETHERNET || tcp < ip + least || tcp + TCP_HEADER > length
                || packet.networkShortAt(position) != (version4 ? IPV4 : IPV6)) {
            return false;
        }
        if (version4
                && (ip + (packet.byteAt(ip) & 0xF) * Integer.BYTES != tcp || packet.byteAt(ip + 9) != TCP)) {
            return false;
        }
        headers = tcp + (packet.byteAt(tcp + 12) >>> 4) * Integer.BYTES;
        return headers >= tcp + TCP_HEADER && headers < length;
    }

    private static boolean isVlan(int type) {
        return type == 0x8100 || type == 0x88A8;
    }

    /**
     * Makes the next segment.
     *
     * @param segment an empty packet with room for {@link #longest} bytes
     */
    public void next(Packet segment) {
        int payload = Math.min(size, packet.length() - headers - done);
        segment.reset(headers + payload);
        NativeCopy.copy(packet.segment(), packet.dataOffset(),
                segment.segment(), segment.dataOffset(), headers);
        NativeCopy.copy(packet.segment(), packet.dataOffset() + headers + done,
                segment.segment(), segment.dataOffset() + headers, payload);
        boolean first = done == 0;
        boolean last = done + payload == packet.length() - headers;
        int flags = packet.byteAt(tcp + 13);
        flags &= first ? -1 : ~CWR;
        flags &= last ? -1 : ~(FIN | PSH);
        segment.putByte(tcp + 13, flags);
        segment.putNetworkInt(tcp + 4, packet.networkIntAt(tcp + 4) + done);
        fixIp(segment, headers + payload, done / size);
        segment.clearOffload();
        segment.requestChecksum(tcp, TCP_CHECKSUM);
        done += payload;
    }

    /**
     * Length, number and checksum of the IP header, and the sum of the pseudo header for TCP (RFC 9293, 3.1).
     */
    private void fixIp(Packet segment, int length, int number) {
        long start = segment.dataOffset() + ip;
        int addresses;
        if (version4) {
            segment.putNetworkShort(ip + 2, length - ip);
            segment.putNetworkShort(ip + 4, packet.networkShortAt(ip + 4) + number);
            segment.putNetworkShort(ip + 10, 0);
            segment.putNetworkShort(ip + 10, ~InternetChecksum.sum(segment.segment(), start, tcp - ip));
            addresses = InternetChecksum.sum(segment.segment(), start + 12, 8);
        } else {
            segment.putNetworkShort(ip + 4, length - ip - IPV6_HEADER);
            addresses = InternetChecksum.sum(segment.segment(), start + 8, 32);
        }
        int sum = addresses + TCP + (length - tcp);
        segment.putNetworkShort(tcp + TCP_CHECKSUM, (sum & 0xFFFF) + (sum >>> 16));
    }
}
