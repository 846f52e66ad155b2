package io.vhost.device;

import static io.vhost.device.Feature.mask;

import io.vhost.dma.DmaRegistry;
import io.vhost.limit.ResourceLimits;
import java.time.Duration;
import java.util.Objects;

/**
 * What a device offers to its front-end.
 *
 * @param queuePairs pairs of receive and transmit queue, 1 to {@value #MAX_QUEUE_PAIRS}
 * @param features virtio feature bits to offer, of {@link #SUPPORTED}
 * @param protocolFeatures vhost-user protocol feature bits to offer, of {@link #SUPPORTED_PROTOCOL}
 * @param dma whose channels queues may use for asynchronous copies; null: asynchronous copies are not enabled
 * @param copyStall a copy that takes longer is reported
 * @param copyTimeout how long copies may take, when a ring stops from then on, before their channel's engine
 *     is given up, see {@link DmaRegistry#configureReplaceable}
 * @param copyThreshold copies of fewer bytes are made by the submitting thread, in their turn,
 *     instead of a channel
 * @param lockTiming whether {@link io.vhost.state.AccessLock#longestHold} is measured
 * @param limits how much of this process front-ends may use up
 * @param sealedMemory whether front-ends may share only files that cannot be truncated: sealed against
 *     shrinking
 * @param anyFile whether they may also share files whose pages come over a network or from another process,
 *     which may never come
 */
public record VhostConfig(
        int queuePairs,
        long features,
        long protocolFeatures,
        DmaRegistry dma,
        Duration copyStall,
        Duration copyTimeout,
        int copyThreshold,
        boolean lockTiming,
        ResourceLimits limits,
        boolean sealedMemory,
        boolean anyFile) {
    /** Most queue pairs of a device: queue indexes are eight bits in some vhost-user messages. */
    public static final int MAX_QUEUE_PAIRS = 128;

    /**
     * Segmentation offloads: with them a guest sends packets of up to 64 KiB, and is sent such. They are for
     * an application whose packet pools have room for that and which sends no such packet to where
     * {@link VirtQueue#accepts} says no.
     */
    public static final long SEGMENTATION = mask(
            Feature.VIRTIO_NET_F_HOST_TSO4,
            Feature.VIRTIO_NET_F_HOST_TSO6,
            Feature.VIRTIO_NET_F_HOST_ECN,
            Feature.VIRTIO_NET_F_GUEST_TSO4,
            Feature.VIRTIO_NET_F_GUEST_TSO6,
            Feature.VIRTIO_NET_F_GUEST_ECN);

    /** Every virtio feature that this library implements. */
    public static final long SUPPORTED = SEGMENTATION | mask(
            Feature.VHOST_F_LOG_ALL,
            Feature.VIRTIO_NET_F_MTU,
            Feature.VIRTIO_F_VERSION_1,
            Feature.VIRTIO_F_ANY_LAYOUT,
            Feature.VIRTIO_F_INDIRECT_DESC,
            Feature.VIRTIO_F_EVENT_IDX,
            Feature.VIRTIO_F_IN_ORDER,
            Feature.VIRTIO_F_ORDER_PLATFORM,
            Feature.VIRTIO_F_RING_RESET,
            Feature.VIRTIO_F_RING_PACKED,
            Feature.VIRTIO_NET_F_MRG_RXBUF,
            Feature.VIRTIO_NET_F_MQ,
            Feature.VIRTIO_NET_F_CSUM,
            Feature.VIRTIO_NET_F_GUEST_CSUM);

    /** Every feature of the vhost-user protocol that this library implements. */
    public static final long SUPPORTED_PROTOCOL = ProtocolFeature.mask(
            ProtocolFeature.MQ,
            ProtocolFeature.LOG_SHMFD,
            ProtocolFeature.RARP,
            ProtocolFeature.REPLY_ACK,
            ProtocolFeature.MTU,
            ProtocolFeature.BACKEND_REQ,
            ProtocolFeature.INFLIGHT_SHMFD,
            ProtocolFeature.RESET_DEVICE,
            ProtocolFeature.CONFIGURE_MEM_SLOTS,
            ProtocolFeature.STATUS);

    /** What {@link Builder} offers unless told otherwise: all that asks nothing of the application. */
    public static final long DEFAULT = SUPPORTED & ~SEGMENTATION;

    /** Checks the ranges. */
    public VhostConfig {
        if (queuePairs < 1 || queuePairs > MAX_QUEUE_PAIRS) {
            throw new IllegalArgumentException("queuePairs=" + queuePairs + " is not in 1.."
                    + MAX_QUEUE_PAIRS);
        }
        if ((features & ~SUPPORTED) != 0) {
            throw new IllegalArgumentException("features=0x%x has bits that are not implemented: 0x%x"
                    .formatted(features, features & ~SUPPORTED));
        }
        if ((protocolFeatures & ~SUPPORTED_PROTOCOL) != 0) {
            throw new IllegalArgumentException("protocolFeatures=0x%x has bits that are not implemented: 0x%x"
                    .formatted(protocolFeatures, protocolFeatures & ~SUPPORTED_PROTOCOL));
        }
        if (copyStall.isNegative() || copyTimeout.isNegative()) {
            throw new IllegalArgumentException(
                    "copyStall=%s and copyTimeout=%s must not be negative".formatted(copyStall, copyTimeout));
        }
        Objects.requireNonNull(limits, "limits");
        if (copyThreshold < 0) {
            throw new IllegalArgumentException("copyThreshold=" + copyThreshold + " must not be negative");
        }
    }

    /** One queue pair and the features of {@link #DEFAULT}. */
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
        private long features = DEFAULT;
        private long protocolFeatures = SUPPORTED_PROTOCOL;
        private DmaRegistry dma;
        private Duration copyStall = Duration.ofMillis(100);
        private Duration copyTimeout = Duration.ofSeconds(1);
        private int copyThreshold;
        private boolean lockTiming;
        private ResourceLimits limits = ResourceLimits.defaults();
        private boolean sealedMemory;
        private boolean anyFile;

        private Builder() {}

        /** Pairs of receive and transmit queue; default 1. */
        public Builder queuePairs(int pairs) {
            queuePairs = pairs;
            return this;
        }

        /** Exactly these virtio feature bits; default {@link VhostConfig#DEFAULT}. */
        public Builder features(long mask) {
            features = mask;
            return this;
        }

        /** Leaves the named features out of what is offered. */
        public Builder without(Feature... left) {
            features &= ~mask(left);
            return this;
        }

        /** Exactly these vhost-user protocol feature bits; default {@link VhostConfig#SUPPORTED_PROTOCOL}. */
        public Builder protocolFeatures(long mask) {
            protocolFeatures = mask;
            return this;
        }

        /** Leaves the named protocol features out of what is offered. */
        public Builder without(ProtocolFeature... left) {
            protocolFeatures &= ~ProtocolFeature.mask(left);
            return this;
        }

        /** Offers segmentation offloads as well, see {@link VhostConfig#SEGMENTATION}; default: not. */
        public Builder segmentation() {
            features |= SEGMENTATION;
            return this;
        }

        /** Enables asynchronous copies through this registry's channels; default: not enabled. */
        public Builder asyncCopy(DmaRegistry registry) {
            dma = Objects.requireNonNull(registry, "registry");
            return this;
        }

        /** A copy that takes longer is counted and reported as an event; default 100 ms. */
        public Builder copyStall(Duration threshold) {
            copyStall = Objects.requireNonNull(threshold, "threshold");
            return this;
        }

        /**
         * How long copies may take, when their ring stops from then on, before their channel's engine is
         * given up; default 1 s.
         */
        public Builder copyTimeout(Duration timeout) {
            copyTimeout = Objects.requireNonNull(timeout, "timeout");
            return this;
        }

        /**
         * Asynchronous copies of fewer bytes are made by the thread that submits them, for whom a short copy
         * is less work than its way through a channel. Packets complete in their order all the same.
         * Default 0: channels make all copies.
         */
        public Builder copyThreshold(int bytes) {
            copyThreshold = bytes;
            return this;
        }

        /** Measures how long queues' locks are held, for about 50 ns a burst; default: not. */
        public Builder lockTiming(boolean measured) {
            lockTiming = measured;
            return this;
        }

        /** How much of this process front-ends may use up; default {@link ResourceLimits#defaults}. */
        public Builder limits(ResourceLimits most) {
            limits = Objects.requireNonNull(most, "most");
            return this;
        }

        /**
         * Refuses memory, and dirty logs, that cannot be sealed against truncation. Files of tmpfs and
         * hugetlbfs cannot; QEMU's {@code memory-backend-memfd,share=on} comes sealed. Default: what can be
         * sealed is, and the rest is accepted, since what is truncated costs its own connection only.
         */
        public Builder requireSealedMemory(boolean required) {
            sealedMemory = required;
            return this;
        }

        /**
         * Accepts memory in files of FUSE, of networks and of unknown file systems too. A page of theirs may
         * never come; then not only the thread that touches it stops, but the whole JVM, at its next
         * safepoint. Default: not. Local disks are accepted with a WARNING.
         */
        public Builder allowAnyFile(boolean allowed) {
            anyFile = allowed;
            return this;
        }

        /** The configuration; {@link IllegalArgumentException} names a setting that is out of range. */
        public VhostConfig build() {
            return new VhostConfig(
                    queuePairs, features, protocolFeatures, dma, copyStall, copyTimeout, copyThreshold,
                    lockTiming, limits, sealedMemory, anyFile);
        }
    }
}
