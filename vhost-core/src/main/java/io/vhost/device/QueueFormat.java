package io.vhost.device;

import io.vhost.net.NetHeader;
import io.vhost.ring.RingFormat;
import io.vhost.ring.RingOptions;

/**
 * What the negotiated features mean for one queue.
 *
 * @param layout format of the ring
 * @param ring options of the ring
 * @param headerLength bytes of the virtio-net header before each packet
 * @param mergeable a packet may be spread over several chains
 * @param checksums the receiver of this queue's packets takes partial checksums
 * @param segmentations what the receiver takes uncut
 */
record QueueFormat(
        RingFormat layout, RingOptions ring, int headerLength, boolean mergeable, boolean checksums,
        Segmentations segmentations) {
    /** The format of every ring of a device. */
    static RingFormat layout(long features) {
        return RingFormat.of(Feature.VIRTIO_F_RING_PACKED.in(features));
    }

    static QueueFormat of(long features, boolean toGuest) {
        boolean mergeable = Feature.VIRTIO_NET_F_MRG_RXBUF.in(features);
        RingOptions ring = new RingOptions(
                toGuest,
                Feature.VIRTIO_F_INDIRECT_DESC.in(features),
                Feature.VIRTIO_F_EVENT_IDX.in(features),
                Feature.VIRTIO_F_IN_ORDER.in(features));
        return new QueueFormat(
                layout(features),
                ring,
                NetHeader.length(mergeable, Feature.VIRTIO_F_VERSION_1.in(features)),
                mergeable,
                (toGuest ? Feature.VIRTIO_NET_F_GUEST_CSUM : Feature.VIRTIO_NET_F_CSUM).in(features),
                Segmentations.of(features, toGuest));
    }
}
