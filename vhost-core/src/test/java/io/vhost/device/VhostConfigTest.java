package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.vhost.control.DeviceControl;
import org.junit.jupiter.api.Test;

class VhostConfigTest {
    @Test
    void configurationsOutOfRangeAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> VhostConfig.builder().queuePairs(0).build());
        assertThrows(IllegalArgumentException.class, () -> VhostConfig.builder().queuePairs(129).build());
        assertThrows(IllegalArgumentException.class,
                () -> VhostConfig.builder().features(1L << 33).build());
        assertThrows(IllegalArgumentException.class,
                () -> VhostConfig.builder().protocolFeatures(ProtocolFeature.CONFIG.mask()).build());
        assertEquals(256, DeviceControl.create("test", VhostConfig.builder().queuePairs(128).build(),
                new DeviceListener() {}).queueCount());
    }
}
