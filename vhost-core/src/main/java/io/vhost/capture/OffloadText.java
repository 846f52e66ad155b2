package io.vhost.capture;

import io.vhost.net.NetHeader;
import io.vhost.pcap.PcapngBuffer;
import java.util.ArrayList;
import java.util.List;

/** What a packet's virtio-net header asks for, in words. Thread: one. */
final class OffloadText {
    private long word;
    private int offset;
    private byte[] text = PcapngBuffer.none();

    /** The words for a header; none if it asks for nothing. Packets of a flow have the same. */
    byte[] of(long offload, int checksumOffset) {
        if (offload == 0) {
            return PcapngBuffer.none();
        }
        if (offload != word || checksumOffset != offset) {
            word = offload;
            offset = checksumOffset;
            text = PcapngBuffer.text(describe(offload, checksumOffset));
        }
        return text;
    }

    private static String describe(long word, int offset) {
        List<String> parts = new ArrayList<>();
        int flags = NetHeader.flags(word);
        if ((flags & NetHeader.NEEDS_CHECKSUM) != 0) {
            parts.add("checksum left to the device (csum_start " + NetHeader.checksumStart(word)
                    + ", csum_offset " + offset + ")");
        }
        if ((flags & NetHeader.DATA_VALID) != 0) {
            parts.add("checksum verified");
        }
        if ((flags & NetHeader.COALESCING_INFO) != 0) {
            parts.add("coalesced");
        }
        int type = NetHeader.gsoType(word);
        if (type != NetHeader.GSO_NONE) {
            parts.add(name(type) + " (gso_size " + NetHeader.gsoSize(word) + ", hdr_len "
                    + NetHeader.headerLength(word) + ")");
        }
        return parts.isEmpty() ? "" : "virtio-net: " + String.join("; ", parts);
    }

    private static String name(int type) {
        String ecn = (type & NetHeader.GSO_ECN) != 0 ? " with ECN" : "";
        return switch (type & ~NetHeader.GSO_ECN) {
            case NetHeader.GSO_TCPV4 -> "GSO TCPv4" + ecn;
            case NetHeader.GSO_TCPV6 -> "GSO TCPv6" + ecn;
            case NetHeader.GSO_UDP -> "GSO UDP fragments" + ecn;
            case NetHeader.GSO_UDP_L4 -> "GSO UDP" + ecn;
            default -> "GSO of unknown type " + type;
        };
    }
}
