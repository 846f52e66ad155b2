package io.vhost.device;

import io.vhost.ring.RingFormat;
import io.vhost.ring.RingOptions;

/** What a network device is (virtio 1.2, 5.1), as far as its queues and its transport need to know. */
final class NetworkDevice {
    private static final int STATUS_DRIVER_OK = 4;

    private NetworkDevice() {}

    /** Queues come in pairs; the control queue stays with the front-end. */
    static int queueCount(int pairs) {
        return 2 * pairs;
    }

    /** Even queues carry packets to the guest, odd ones from it (5.1.2). */
    static boolean isToGuest(int queue) {
        return (queue & 1) == 0;
    }

    /** A device is there for its guest as long as its first pair is: the others come and go (5.1.6.5.5). */
    static boolean isOfFirstPair(int queue) {
        return queue < 2;
    }

    /**
     * Whether the device is complete.
     *
     * @param firstPairRuns both its queues run
     * @param statusNegotiated whether the front-end tells its status
     * @param status what it told last (2.1)
     */
    static boolean isReady(boolean firstPairRuns, boolean statusNegotiated, int status) {
        return firstPairRuns && (!statusNegotiated || (status & STATUS_DRIVER_OK) != 0);
    }

    /** The format of every ring. */
    static RingFormat ringFormat(long features) {
        return RingFormat.of(Feature.VIRTIO_F_RING_PACKED.in(features));
    }

    /** What was negotiated for a queue's ring. */
    static RingOptions ringOptions(long features, int queue) {
        return new RingOptions(
                isToGuest(queue),
                Feature.VIRTIO_F_INDIRECT_DESC.in(features),
                Feature.VIRTIO_F_EVENT_IDX.in(features),
                Feature.VIRTIO_F_IN_ORDER.in(features));
    }
}
