package io.vhost.device.packet;

import io.vhost.net.NetHeader;

/**
 * Which packets the receiver of a queue's packets takes uncut (virtio 1.2, 5.1.3.1).
 *
 * @param tcp4 TCP over IPv4
 * @param tcp6 TCP over IPv6
 * @param ecn those with the congestion bit too
 */
public record Segmentations(boolean tcp4, boolean tcp6, boolean ecn) {
    /** Whether packets of this segmentation type are taken; those that need none always are. */
    public boolean accept(int gsoType) {
        return switch (gsoType) {
            case NetHeader.GSO_NONE -> true;
            case NetHeader.GSO_TCPV4 -> tcp4;
            case NetHeader.GSO_TCPV6 -> tcp6;
            case NetHeader.GSO_TCPV4 | NetHeader.GSO_ECN -> tcp4 && ecn;
            case NetHeader.GSO_TCPV6 | NetHeader.GSO_ECN -> tcp6 && ecn;
            default -> false;
        };
    }
}
