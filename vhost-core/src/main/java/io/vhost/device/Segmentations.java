package io.vhost.device;

import io.vhost.net.NetHeader;

/**
 * Which packets the receiver of a queue's packets takes uncut (virtio 1.2, 5.1.3.1).
 *
 * @param tcp4 TCP over IPv4
 * @param tcp6 TCP over IPv6
 * @param ecn those with the congestion bit too
 */
record Segmentations(boolean tcp4, boolean tcp6, boolean ecn) {
    static Segmentations of(long features, boolean toGuest) {
        return toGuest
                ? new Segmentations(
                        Feature.VIRTIO_NET_F_GUEST_TSO4.in(features),
                        Feature.VIRTIO_NET_F_GUEST_TSO6.in(features),
                        Feature.VIRTIO_NET_F_GUEST_ECN.in(features))
                : new Segmentations(
                        Feature.VIRTIO_NET_F_HOST_TSO4.in(features),
                        Feature.VIRTIO_NET_F_HOST_TSO6.in(features),
                        Feature.VIRTIO_NET_F_HOST_ECN.in(features));
    }

    /** Whether packets of this segmentation type are taken; those that need none always are. */
    boolean accept(int gsoType) {
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
