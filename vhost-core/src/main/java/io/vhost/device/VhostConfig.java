package io.vhost.device;

import static io.vhost.device.Feature.mask;

/**
 * What a device offers to its front-end.
 *
 * @param queuePairs pairs of receive and transmit queue, 1 to {@value #MAX_QUEUE_PAIRS}
 * @param features virtio feature bits to offer, of {@link #SUPPORTED}
 */
public record VhostConfig(int queuePairs, long features) {
    /** Most queue pairs of a device: queue indexes are eight bits in some vhost-user messages. */
    public static final int MAX_QUEUE_PAIRS = 128;

    /** Every virtio feature that this library implements; {@link Builder} offers them all unless told otherwise. */
    public static final long SUPPORTED = mask(
            Feature.VIRTIO_F_VERSION_1,
            Feature.VIRTIO_F_ANY_LAYOUT,
            Feature.VIRTIO_F_INDIRECT_DESC,
            Feature.VIRTIO_F_EVENT_IDX,
            Feature.VIRTIO_F_IN_ORDER,
            Feature.VIRTIO_NET_F_MRG_RXBUF,
            Feature.VIRTIO_NET_F_MQ,
            Feature.VIRTIO_NET_F_CSUM,
            Feature.VIRTIO_NET_F_GUEST_CSUM);

    /** Checks the ranges. */
    public VhostConfig {
        if (queuePairs < 1 || queuePairs > MAX_QUEUE_PAIRS) {
            throw new IllegalArgumentException("queuePairs=" + queuePairs + " is not in 1.." + MAX_QUEUE_PAIRS);
        }
        if ((features & ~SUPPORTED) != 0) {
            throw new IllegalArgumentException("features=0x%x has bits that are not implemented: 0x%x"
                    .formatted(features, features & ~SUPPORTED));
        }
    }

    /** One queue pair and all features. */
    public static VhostConfig defaults() {
        return builder().build();
    }

    /** A builder with the defaults. */
    public static Builder builder() {
        return new Builder();
    }

    /** Collects the settings of a {@link VhostConfig}. */
    public static final class Builder {
        private int queuePairs = 1;
        private long features = SUPPORTED;

        private Builder() {}

        /** Pairs of receive and transmit queue; default 1. */
        public Builder queuePairs(int pairs) {
            queuePairs = pairs;
            return this;
        }

        /** Exactly these virtio feature bits; default {@link VhostConfig#SUPPORTED}. */
        public Builder features(long mask) {
            features = mask;
            return this;
        }

        /** Leaves the named features out of what is offered. */
        public Builder without(Feature... left) {
            features &= ~mask(left);
            return this;
        }

        /** The configuration; {@link IllegalArgumentException} names a setting that is out of range. */
        public VhostConfig build() {
            return new VhostConfig(queuePairs, features);
        }
    }
}
