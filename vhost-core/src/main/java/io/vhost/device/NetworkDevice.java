package io.vhost.device;

import io.vhost.device.packet.Announcement;
import io.vhost.device.packet.FromGuest;
import io.vhost.device.packet.PacketFormat;
import io.vhost.device.packet.PacketPath;
import io.vhost.device.packet.Segmentations;
import io.vhost.device.packet.ToGuest;
import io.vhost.net.NetHeader;
import io.vhost.queue.CopyLimits;
import io.vhost.queue.QueueCounters;
import io.vhost.ring.RingFormat;
import io.vhost.ring.RingOptions;
import java.util.function.IntPredicate;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/** What a network device is (virtio 1.2, 5.1), as far as its queues and its transport need to know. */
final class NetworkDevice {
    /** The queue that begins with what the device itself sends in the guest's name. */
    static final int FIRST_FROM_GUEST = 1;

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
     * @param runs whether the queue with an index does
     * @param statusNegotiated whether the front-end tells its status
     * @param status what it told last (2.1)
     */
    static boolean isReady(IntPredicate runs, boolean statusNegotiated, int status) {
        return runs.test(0) && runs.test(1) && (!statusNegotiated || (status & STATUS_DRIVER_OK) != 0);
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

    /**
     * The packets' way through a queue.
     *
     * @param queue its index
     * @param features those that are negotiated, asked whenever its ring is opened
     * @param announcement what the device itself has to send in the guest's name
     * @param config of the device
     * @param counters of the queue
     */
    static PacketPath packetPath(int queue, LongSupplier features, Announcement announcement,
            VhostConfig config, QueueCounters counters) {
        CopyLimits limits = new CopyLimits(config.copyThreshold(), config.copyStall(), config.copyTimeout());
        Supplier<PacketFormat> format = () -> packetFormat(features.getAsLong(), queue);
        return isToGuest(queue)
                ? new ToGuest(counters, config.dma(), limits, format)
                : new FromGuest(counters, config.dma(), limits, format, announcement);
    }

    /** What was negotiated for a queue's packets. */
    static PacketFormat packetFormat(long features, int queue) {
        boolean toGuest = isToGuest(queue);
        boolean mergeable = Feature.VIRTIO_NET_F_MRG_RXBUF.in(features);
        return new PacketFormat(
                NetHeader.length(mergeable, isModern(features)),
                mergeable,
                (toGuest ? Feature.VIRTIO_NET_F_GUEST_CSUM : Feature.VIRTIO_NET_F_CSUM).in(features),
                segmentations(features, toGuest));
    }

    /** Whether the header has its present form: packed rings came with it. */
    private static boolean isModern(long features) {
        return (features & Feature.mask(Feature.VIRTIO_F_VERSION_1, Feature.VIRTIO_F_RING_PACKED)) != 0;
    }

    /** What the receiver of a queue's packets takes uncut: the guest, or this side. */
    static Segmentations segmentations(long features, boolean toGuest) {
        return toGuest
                ? new Segmentations(
                        Feature.VIRTIO_NET_F_GUEST_TSO4.in(features),
                        Feature.VIRTIO_NET_F_GUEST_TSO6.in(features),
                        Feature.VIRTIO_NET_F_GUEST_ECN.in(features))
                : new Segmentations(
                        Feature.VIRTIO_NET_F_HOST_TSO4.in(features),
                        Feature.VIRTIO_NET_F_HOST_TSO6.in(features),
                        Feature.VIRTIO_NET_F_HOST_ECN.in(features));
    }
}
