package io.vhost.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.vhost.device.Feature;
import org.junit.jupiter.api.Test;

/** Which features of a back-end are used. */
class DriverConfigTest {
    private static final long SENDS = Feature.mask(Feature.VIRTIO_NET_F_HOST_TSO4,
            Feature.VIRTIO_NET_F_HOST_TSO6, Feature.VIRTIO_NET_F_HOST_ECN);
    private static final long RECEIVES = Feature.mask(Feature.VIRTIO_NET_F_GUEST_TSO4,
            Feature.VIRTIO_NET_F_GUEST_TSO6, Feature.VIRTIO_NET_F_GUEST_ECN);
    private static final long CSUM = Feature.VIRTIO_NET_F_CSUM.mask();
    private static final long GUEST_CSUM = Feature.VIRTIO_NET_F_GUEST_CSUM.mask();

    /** Virtio 1.2, 5.1.3.1: what is uncut needs the checksum of its direction. */
    @Test
    void segmentationIsNotUsedWithoutItsChecksum() {
        DriverConfig config = DriverConfig.defaults().withSegmentation();
        long all = SENDS | RECEIVES | CSUM | GUEST_CSUM;
        assertEquals(all, config.choose(all));
        assertEquals(RECEIVES | GUEST_CSUM, config.choose(all & ~CSUM));
        assertEquals(SENDS | CSUM, config.choose(all & ~GUEST_CSUM));
        assertEquals(0, config.choose(SENDS | RECEIVES));
        assertEquals(CSUM | GUEST_CSUM, DriverConfig.defaults().choose(all));
    }
}
