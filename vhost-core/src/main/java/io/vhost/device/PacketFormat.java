package io.vhost.device;

import io.vhost.net.NetHeader;

/**
 * What the negotiated features mean for the packets of one queue.
 *
 * @param headerLength bytes of the virtio-net header before each packet
 * @param mergeable a packet may be spread over several chains
 * @param checksums the receiver of this queue's packets takes partial checksums
 * @param segmentations what the receiver takes uncut
 */
record PacketFormat(int headerLength, boolean mergeable, boolean checksums, Segmentations segmentations) {
    /** Whether the header has its present form: packed rings came with it. */
    private static boolean isModern(long features) {
        return (features & Feature.mask(Feature.VIRTIO_F_VERSION_1, Feature.VIRTIO_F_RING_PACKED)) != 0;
    }

    static PacketFormat of(long features, boolean toGuest) {
        boolean mergeable = Feature.VIRTIO_NET_F_MRG_RXBUF.in(features);
        return new PacketFormat(
                NetHeader.length(mergeable, isModern(features)),
                mergeable,
                (toGuest ? Feature.VIRTIO_NET_F_GUEST_CSUM : Feature.VIRTIO_NET_F_CSUM).in(features),
                Segmentations.of(features, toGuest));
    }
}
