package io.vhost.device;

import java.util.EnumSet;
import java.util.Set;

/** Feature bits of virtio 1.2 (chapter 6 and 5.1.3) and vhost-user, by their names in the specifications. */
public enum Feature {
    /** Device handles packets with partial checksum: the guest may leave checksums to us. */
    VIRTIO_NET_F_CSUM(0),
    /** Driver handles packets with partial checksum: we may leave checksums to the guest. */
    VIRTIO_NET_F_GUEST_CSUM(1),
    /** Device announces its MTU. */
    VIRTIO_NET_F_MTU(3),
    /** Driver can receive TCP segments over IPv4 that were not cut. */
    VIRTIO_NET_F_GUEST_TSO4(7),
    /** Driver can receive TCP segments over IPv6 that were not cut. */
    VIRTIO_NET_F_GUEST_TSO6(8),
    /** Driver can receive uncut TCP segments with ECN. */
    VIRTIO_NET_F_GUEST_ECN(9),
    /** Driver can receive UDP packets that were not cut. */
    VIRTIO_NET_F_GUEST_UFO(10),
    /** Device can receive TCP segments over IPv4 that were not cut. */
    VIRTIO_NET_F_HOST_TSO4(11),
    /** Device can receive TCP segments over IPv6 that were not cut. */
    VIRTIO_NET_F_HOST_TSO6(12),
    /** Device can receive uncut TCP segments with ECN. */
    VIRTIO_NET_F_HOST_ECN(13),
    /** Device can receive UDP packets that were not cut. */
    VIRTIO_NET_F_HOST_UFO(14),
    /** A packet to the guest may be spread over several chains. */
    VIRTIO_NET_F_MRG_RXBUF(15),
    /** Several queue pairs. */
    VIRTIO_NET_F_MQ(22),
    /** Dirty pages are logged for live migration (vhost). */
    VHOST_F_LOG_ALL(26),
    /** Descriptors in any layout (legacy). */
    VIRTIO_F_ANY_LAYOUT(27),
    /** Indirect descriptor tables. */
    VIRTIO_F_INDIRECT_DESC(28),
    /** Notifications by index. */
    VIRTIO_F_EVENT_IDX(29),
    /** The vhost-user protocol features can be negotiated (vhost-user). */
    VHOST_USER_F_PROTOCOL_FEATURES(30),
    /** Virtio 1.0 or later. */
    VIRTIO_F_VERSION_1(32),
    /** Packed rings. */
    VIRTIO_F_RING_PACKED(34),
    /** Buffers are used in the order in which they were offered. */
    VIRTIO_F_IN_ORDER(35),
    /** Both ends order their accesses as on hardware: with real fences. */
    VIRTIO_F_ORDER_PLATFORM(36),
    /** A queue can be reset alone. */
    VIRTIO_F_RING_RESET(40);

    private final int bit;

    Feature(int bit) {
        this.bit = bit;
    }

    /** Number of the bit. */
    public int bit() {
        return bit;
    }

    /** A word with this bit alone. */
    public long mask() {
        return 1L << bit;
    }

    /** Whether {@code features} has this bit. */
    public boolean in(long features) {
        return (features & mask()) != 0;
    }

    /** A word with the bits of {@code features}. */
    public static long mask(Feature... features) {
        long mask = 0;
        for (Feature feature : features) {
            mask |= feature.mask();
        }
        return mask;
    }

    /** The named bits of {@code features}; bits without a name here are left out. */
    public static Set<Feature> named(long features) {
        Set<Feature> named = EnumSet.noneOf(Feature.class);
        for (Feature feature : values()) {
            if (feature.in(features)) {
                named.add(feature);
            }
        }
        return named;
    }
}
