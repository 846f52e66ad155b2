package io.vhost.device;

import io.vhost.queue.ControlException;
import io.vhost.ring.RingFormat;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What holds whatever the format of the rings: all tests of a subclass run once for each format. What a test
 * expects of a ring it asks {@link TestQueue} for, which knows the formats.
 */
@ParameterizedClass
@EnumSource(RingFormat.class)
abstract class EachFormat {
    @Parameter
    RingFormat format;

    /** The features of {@link TestGuest#MODERN}, with rings of the format. */
    final long features() {
        return format == RingFormat.PACKED ? TestGuest.PACKED : TestGuest.MODERN;
    }

    final long without(Feature... left) {
        return features() & ~Feature.mask(left);
    }

    final long withEventIdx() {
        return features() | Feature.VIRTIO_F_EVENT_IDX.mask();
    }

    /** Everything that a device offers by default, with rings of the format. */
    final long defaults() {
        return features() | (VhostConfig.DEFAULT & ~Feature.VIRTIO_F_RING_PACKED.mask());
    }

    final TestGuest running() throws ControlException {
        return TestGuest.running(features());
    }
}
