package io.vhost.device;

import io.vhost.control.DeviceControl;
import io.vhost.queue.ControlException;
import io.vhost.state.DeviceSnapshot;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/** The transport's side of a device. Dear to make, so states borrow one. */
final class ControlFixture {
    private static final VhostConfig CONFIG = VhostConfig.builder().queuePairs(1).build();
    private static final long[] FEATURES = {
        Feature.VIRTIO_F_VERSION_1.mask(),
        Feature.VIRTIO_F_VERSION_1.mask() | Feature.VIRTIO_NET_F_MRG_RXBUF.mask()
    };
    private static final int[] STATUS = {1, 3};
    private static final Queue<ControlFixture> UNUSED = new ConcurrentLinkedQueue<>();

    private final DeviceControl control = DeviceControl.create("stress", CONFIG, new DeviceListener() {});

    private ControlFixture() {
        negotiate(0);
    }

    /** A device whose snapshot is of version 0. */
    static ControlFixture reset() {
        ControlFixture used = UNUSED.poll();
        return used != null ? used : new ControlFixture();
    }

    void giveBack() {
        negotiate(0);
        UNUSED.add(this);
    }

    /** Two changes of the front-end's, and the publication after them. */
    void negotiate(int version) {
        try {
            control.features(FEATURES[version]);
            control.status(STATUS[version]);
        } catch (ControlException e) {
            throw new AssertionError(e);
        }
        control.messageHandled();
    }

    DeviceSnapshot snapshot() {
        return control.device().snapshot();
    }

    /** Of the device as it is now. */
    int versionOfFeatures() {
        return control.device().features() == FEATURES[1] ? 1 : 0;
    }

    static int versionOfFeatures(DeviceSnapshot snapshot) {
        return snapshot.features() == FEATURES[1] ? 1 : 0;
    }

    static int versionOfStatus(DeviceSnapshot snapshot) {
        return snapshot.status() == STATUS[1] ? 1 : 0;
    }
}
