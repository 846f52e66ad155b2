package io.vhost.driver;

import io.vhost.device.Feature;
import io.vhost.net.NetHeader;
import io.vhost.net.PacketPool;
import io.vhost.ring.RingFormat;
import java.io.IOException;
import java.time.Duration;
import java.util.Objects;

/**
 * How a {@link VirtioUser} behaves.
 *
 * @param queuePairs pairs of queues to use, 1 to 128; the back-end must have as many
 * @param queueSize entries of each ring: a power of two up to 32768, of packed rings any number up to that
 * @param features feature bits to use where the back-end offers them
 * @param packets packets in the pool; the receive rings hold one a free entry
 * @param bufferSize bytes of each packet's buffer, headroom included
 * @param receiveSize most bytes offered to the device in one receive buffer, header included, so more than
 *     12; smaller than the packet's buffer where mergeable buffers shall be put to the test
 * @param transmitMode how packets are laid out for the device
 * @param timeout how long to wait for each of the back-end's answers, more than 0
 * @param inflight keep what the back-end notes of chains in flight, where it does, so that a successor of one
 *     that died goes on exactly where that was: see {@link VirtioUser#reconnect}
 */
public record DriverConfig(
        int queuePairs,
        int queueSize,
        long features,
        int packets,
        int bufferSize,
        int receiveSize,
        TransmitMode transmitMode,
        Duration timeout,
        boolean inflight) {

    /** How a packet to be sent is described to the device. */
    public enum TransmitMode {
        /**
         * Header and packet in one buffer: the header is written into the packet's headroom. A back-end with
         * neither VIRTIO_F_VERSION_1 nor VIRTIO_F_ANY_LAYOUT gets {@link #CHAINED} instead.
         */
        ONE_BUFFER,
        /** Two chained descriptors, header and packet, as drivers without VIRTIO_F_ANY_LAYOUT have it. */
        CHAINED,
        /**
         * An indirect table with header and packet. A back-end without VIRTIO_F_INDIRECT_DESC gets
         * {@link #CHAINED} instead.
         */
        INDIRECT;

        /** This mode, or what comes in its place with the negotiated {@code features}. */
        TransmitMode with(long features) {
            boolean possible = switch (this) {
                case ONE_BUFFER -> Feature.VIRTIO_F_VERSION_1.in(features)
                        || Feature.VIRTIO_F_ANY_LAYOUT.in(features);
                case CHAINED -> true;
                case INDIRECT -> Feature.VIRTIO_F_INDIRECT_DESC.in(features);
            };
            return possible ? this : CHAINED;
        }
    }

    /** Everything the driver role implements. */
    public static final long SUPPORTED = Feature.mask(
            Feature.VHOST_USER_F_PROTOCOL_FEATURES,
            Feature.VIRTIO_F_VERSION_1,
            Feature.VIRTIO_F_ANY_LAYOUT,
            Feature.VIRTIO_F_INDIRECT_DESC,
            Feature.VIRTIO_F_EVENT_IDX,
            Feature.VIRTIO_F_IN_ORDER,
            Feature.VIRTIO_F_RING_PACKED,
            Feature.VIRTIO_NET_F_MRG_RXBUF,
            Feature.VIRTIO_NET_F_MQ,
            Feature.VIRTIO_NET_F_CSUM,
            Feature.VIRTIO_NET_F_GUEST_CSUM,
            Feature.VIRTIO_NET_F_GUEST_TSO4,
            Feature.VIRTIO_NET_F_GUEST_TSO6,
            Feature.VIRTIO_NET_F_GUEST_ECN,
            Feature.VIRTIO_NET_F_HOST_TSO4,
            Feature.VIRTIO_NET_F_HOST_TSO6,
            Feature.VIRTIO_NET_F_HOST_ECN);

    private static final long RECEIVES_UNCUT = Feature.mask(Feature.VIRTIO_NET_F_GUEST_TSO4,
            Feature.VIRTIO_NET_F_GUEST_TSO6, Feature.VIRTIO_NET_F_GUEST_ECN);
    private static final long SENDS_UNCUT = Feature.mask(Feature.VIRTIO_NET_F_HOST_TSO4,
            Feature.VIRTIO_NET_F_HOST_TSO6, Feature.VIRTIO_NET_F_HOST_ECN);

    /** Checks the ranges. */
    public DriverConfig {
        if (queuePairs < 1 || queuePairs > 128) {
            throw new IllegalArgumentException("queuePairs=" + queuePairs + " is not in 1..128");
        }
        RingFormat format = RingFormat.of(Feature.VIRTIO_F_RING_PACKED.in(features));
        if (!format.accepts(queueSize)) {
            throw new IllegalArgumentException(
                    "queueSize=" + queueSize + " of a " + format.text() + " ring is not " + format.sizes());
        }
        if ((features & ~SUPPORTED) != 0) {
            throw new IllegalArgumentException("features=0x%x has bits that are not implemented: 0x%x"
                    .formatted(features, features & ~SUPPORTED));
        }
        if (packets < 1) {
            throw new IllegalArgumentException("packets=" + packets + " must be at least 1");
        }
        if (bufferSize <= PacketPool.DEFAULT_HEADROOM || bufferSize > PacketPool.MAX_BUFFER_SIZE) {
            throw new IllegalArgumentException(
                    "bufferSize=%d must be more than the headroom of %d and at most %d"
                            .formatted(bufferSize, PacketPool.DEFAULT_HEADROOM, PacketPool.MAX_BUFFER_SIZE));
        }
        if (receiveSize <= NetHeader.LENGTH) {
            throw new IllegalArgumentException("receiveSize=" + receiveSize
                    + " must be more than the header of " + NetHeader.LENGTH);
        }
        Objects.requireNonNull(transmitMode, "transmitMode");
        if (timeout.isNegative() || timeout.isZero()) {
            throw new IllegalArgumentException("timeout=" + timeout + " must be more than 0");
        }
    }

    /** Which of the features that a back-end offers are used: none without those that it needs (5.1.3.1). */
    long choose(long offered) {
        long chosen = offered & features;
        if (!Feature.VIRTIO_NET_F_CSUM.in(chosen)) {
            chosen &= ~SENDS_UNCUT;
        }
        if (!Feature.VIRTIO_NET_F_GUEST_CSUM.in(chosen)) {
            chosen &= ~RECEIVES_UNCUT;
        }
        return chosen;
    }

    /** Refuses a back-end with whose features these rings cannot be, or never carry a packet. */
    void requireRings(long negotiated) throws IOException {
        RingFormat format = RingFormat.of(Feature.VIRTIO_F_RING_PACKED.in(negotiated));
        if (!format.accepts(queueSize)) {
            throw new IOException("the back-end has %s rings only, and the size of one is %s: %d is not"
                    .formatted(format.text(), format.sizes(), queueSize));
        }
        if (queueSize == 1 && transmitMode.with(negotiated) == TransmitMode.CHAINED) {
            throw new IOException("with this back-end a packet is sent in two descriptors, header and data:"
                    + " a ring of 1 entry never has room for it");
        }
    }

    /**
     * One pair of 256 entries, all features but packed rings and uncut TCP packets, 2 KiB of data a packet.
     */
    public static DriverConfig defaults() {
        return new DriverConfig(
                1,
                256,
                SUPPORTED & ~(Feature.VIRTIO_F_RING_PACKED.mask() | RECEIVES_UNCUT | SENDS_UNCUT),
                1024,
                2048 + PacketPool.DEFAULT_HEADROOM,
                Integer.MAX_VALUE,
                TransmitMode.ONE_BUFFER,
                Duration.ofSeconds(10),
                false);
    }

    /** The same with other queues. */
    public DriverConfig withQueues(int pairs, int size) {
        return new DriverConfig(
                pairs, size, features, packets, bufferSize, receiveSize, transmitMode, timeout,
                inflight);
    }

    /** The same with exactly these features, as far as the back-end has them. */
    public DriverConfig withFeatures(long mask) {
        return new DriverConfig(
                queuePairs, queueSize, mask, packets, bufferSize, receiveSize, transmitMode, timeout,
                inflight);
    }

    /** The same with packed rings, where the back-end has them. */
    public DriverConfig withPackedRings() {
        return withFeatures(features | Feature.VIRTIO_F_RING_PACKED.mask());
    }

    /**
     * The same with TCP packets that their sender leaves uncut, in both directions, where the back-end has
     * that. Received ones have up to 65,550 bytes, for which the packets of {@link #withPackets} need room:
     * others are dropped.
     */
    public DriverConfig withSegmentation() {
        return withFeatures(features | RECEIVES_UNCUT | SENDS_UNCUT);
    }

    /** The same without these features. */
    public DriverConfig without(Feature... left) {
        return withFeatures(features & ~Feature.mask(left));
    }

    /** The same with another pool and other receive buffers. */
    public DriverConfig withPackets(int count, int size, int receive) {
        return new DriverConfig(queuePairs, queueSize, features, count, size, receive, transmitMode, timeout,
                inflight);
    }

    /** The same with another transmit mode. */
    public DriverConfig withTransmitMode(TransmitMode mode) {
        return new DriverConfig(
                queuePairs, queueSize, features, packets, bufferSize, receiveSize, mode, timeout, inflight);
    }

    /** The same with in-flight tracking, where the back-end has it. */
    public DriverConfig withInflight() {
        return new DriverConfig(queuePairs, queueSize, features, packets, bufferSize, receiveSize,
                transmitMode, timeout, true);
    }

    /** The same with another time to wait for each of the back-end's answers. */
    public DriverConfig withTimeout(Duration limit) {
        return new DriverConfig(queuePairs, queueSize, features, packets, bufferSize, receiveSize,
                transmitMode, limit, inflight);
    }
}
