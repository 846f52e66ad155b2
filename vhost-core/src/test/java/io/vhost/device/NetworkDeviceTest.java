package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.vhost.device.packet.Segmentations;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What features mean for the packets' way: each alone, and in its direction only. */
class NetworkDeviceTest {
    private static final Segmentations NONE = new Segmentations(false, false, false);

    @Test
    void eachSegmentationIsThatOfOneFeatureAndOneDirection() {
        Map<Feature, Segmentations> toGuest = Map.of(
                Feature.VIRTIO_NET_F_GUEST_TSO4, new Segmentations(true, false, false),
                Feature.VIRTIO_NET_F_GUEST_TSO6, new Segmentations(false, true, false),
                Feature.VIRTIO_NET_F_GUEST_ECN, new Segmentations(false, false, true));
        Map<Feature, Segmentations> fromGuest = Map.of(
                Feature.VIRTIO_NET_F_HOST_TSO4, new Segmentations(true, false, false),
                Feature.VIRTIO_NET_F_HOST_TSO6, new Segmentations(false, true, false),
                Feature.VIRTIO_NET_F_HOST_ECN, new Segmentations(false, false, true));
        for (Feature feature : Feature.values()) {
            assertEquals(toGuest.getOrDefault(feature, NONE),
                    NetworkDevice.segmentations(feature.mask(), true), feature + " to the guest");
            assertEquals(fromGuest.getOrDefault(feature, NONE),
                    NetworkDevice.segmentations(feature.mask(), false), feature + " from the guest");
        }
        assertEquals(new Segmentations(true, true, true), NetworkDevice.segmentations(-1, true));
        assertEquals(NONE, NetworkDevice.segmentations(0, false));
    }
}
