package io.vhost.monitor.device;

import io.vhost.device.Feature;
import io.vhost.device.ProtocolFeature;
import io.vhost.monitor.json.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Feature words as lists of {@code NAME: text}. */
final class FeatureNames {
    private FeatureNames() {}

    /** Virtio features: the transport's, the device's, and bits without a name. */
    static Map<String, Object> describe(long features) {
        List<String> transport = new ArrayList<>();
        List<String> device = new ArrayList<>();
        long unknown = features;
        for (Feature feature : Feature.named(features)) {
            unknown &= ~feature.mask();
            (feature.name().startsWith("VIRTIO_NET_") ? device : transport).add(describe(feature));
        }
        Map<String, Object> described = Json.object("transports", transport, "dev-features", device);
        if (unknown != 0) {
            described.put("unknown-dev-features", Json.unsigned(unknown));
        }
        return described;
    }

    /** Features of the vhost-user protocol. */
    static Map<String, Object> describeProtocol(long features) {
        List<String> names = new ArrayList<>();
        long unknown = features;
        for (ProtocolFeature feature : ProtocolFeature.values()) {
            if (feature.in(features)) {
                unknown &= ~feature.mask();
                names.add("VHOST_USER_PROTOCOL_F_" + feature.name() + ": "
                        + feature.name().toLowerCase(Locale.ROOT).replace('_', ' '));
            }
        }
        Map<String, Object> described = Json.object("protocols", names);
        if (unknown != 0) {
            described.put("unknown-protocols", Json.unsigned(unknown));
        }
        return described;
    }

    private static String describe(Feature feature) {
        String text = switch (feature) {
            case VIRTIO_NET_F_CSUM -> "Device handles packets with partial checksum";
            case VIRTIO_NET_F_GUEST_CSUM -> "Driver handles packets with partial checksum";
            case VIRTIO_NET_F_MTU -> "Device announces its MTU";
            case VIRTIO_NET_F_GUEST_TSO4 -> "Driver receives uncut TCP over IPv4";
            case VIRTIO_NET_F_GUEST_TSO6 -> "Driver receives uncut TCP over IPv6";
            case VIRTIO_NET_F_GUEST_ECN -> "Driver receives uncut TCP with ECN";
            case VIRTIO_NET_F_GUEST_UFO -> "Driver receives uncut UDP";
            case VIRTIO_NET_F_HOST_TSO4 -> "Device receives uncut TCP over IPv4";
            case VIRTIO_NET_F_HOST_TSO6 -> "Device receives uncut TCP over IPv6";
            case VIRTIO_NET_F_HOST_ECN -> "Device receives uncut TCP with ECN";
            case VIRTIO_NET_F_HOST_UFO -> "Device receives uncut UDP";
            case VIRTIO_NET_F_MRG_RXBUF -> "Driver merges receive buffers";
            case VIRTIO_NET_F_MQ -> "Several queue pairs";
            case VHOST_F_LOG_ALL -> "Dirty pages are logged";
            case VIRTIO_F_ANY_LAYOUT -> "Descriptors in any layout";
            case VIRTIO_F_INDIRECT_DESC -> "Indirect descriptors";
            case VIRTIO_F_EVENT_IDX -> "Notifications by index";
            case VHOST_USER_F_PROTOCOL_FEATURES -> "Protocol features are negotiated";
            case VIRTIO_F_VERSION_1 -> "Device complies with virtio 1.0";
            case VIRTIO_F_RING_PACKED -> "Packed rings";
            case VIRTIO_F_IN_ORDER -> "Buffers are used in order";
            case VIRTIO_F_ORDER_PLATFORM -> "Memory accesses are ordered as on hardware";
            case VIRTIO_F_RING_RESET -> "A queue can be reset alone";
            default -> "";
        };
        return feature.name() + ": " + text;
    }
}
