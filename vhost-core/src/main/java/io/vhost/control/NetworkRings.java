package io.vhost.control;

import io.vhost.device.Feature;
import io.vhost.device.VhostDevice;
import io.vhost.ring.RingFormat;
import io.vhost.ring.RingOptions;

/** What a network device is (virtio 1.2, 5.1), as far as its transport needs to know. */
public final class NetworkRings {
    /** The queue that begins with what the device itself sends in the guest's name. */
    static final int FIRST_FROM_GUEST = 1;

    private static final int STATUS_DRIVER_OK = 4;

    private NetworkRings() {}

    /** A device is there for its guest as long as its first pair is: the others come and go (5.1.6.5.5). */
    static boolean isOfFirstPair(int queue) {
        return queue < 2;
    }

    /**
     * Whether the device is complete.
     *
     * @param device which
     * @param statusNegotiated whether the front-end tells its status
     * @param status what it told last (2.1)
     */
    static boolean isReady(VhostDevice device, boolean statusNegotiated, int status) {
        return device.queue(0).isRunning() && device.queue(1).isRunning()
                && (!statusNegotiated || (status & STATUS_DRIVER_OK) != 0);
    }

    /** The format of every ring. */
    public static RingFormat format(long features) {
        return RingFormat.of(Feature.VIRTIO_F_RING_PACKED.in(features));
    }

    /**
     * What was negotiated for a queue's ring.
     *
     * @param features that were negotiated
     * @param toGuest whether the queue carries packets to the guest
     */
    public static RingOptions options(long features, boolean toGuest) {
        return new RingOptions(
                toGuest,
                Feature.VIRTIO_F_INDIRECT_DESC.in(features),
                Feature.VIRTIO_F_EVENT_IDX.in(features),
                Feature.VIRTIO_F_IN_ORDER.in(features));
    }
}
