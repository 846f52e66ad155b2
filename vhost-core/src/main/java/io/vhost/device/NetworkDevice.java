package io.vhost.device;

import io.vhost.device.link.DeviceLink;
import io.vhost.device.link.QueueOptions;
import io.vhost.device.packet.FromGuest;
import io.vhost.device.packet.PacketFormat;
import io.vhost.device.packet.PacketPath;
import io.vhost.device.packet.Segmentations;
import io.vhost.device.packet.ToGuest;
import io.vhost.net.NetHeader;
import io.vhost.queue.QueueTally;
import java.util.function.Supplier;

/** What a network device is (virtio 1.2, 5.1), as far as its queues need to know. */
final class NetworkDevice {
    private NetworkDevice() {}

    /** Queues come in pairs; the control queue stays with the front-end. */
    static int queueCount(int pairs) {
        return 2 * pairs;
    }

    /** Even queues carry packets to the guest, odd ones from it (5.1.2). */
    static boolean isToGuest(int queue) {
        return (queue & 1) == 0;
    }

    /**
     * The packets' way through a queue.
     *
     * @param queue its index
     * @param link of the device
     * @param tally of the queue
     */
    static PacketPath packetPath(int queue, DeviceLink link, QueueTally tally) {
        QueueOptions options = link.queues();
        Supplier<PacketFormat> format = () -> packetFormat(link.features(), queue);
        return isToGuest(queue)
                ? new ToGuest(tally, options.dma(), options.copies(), format)
                : new FromGuest(tally, options.dma(), options.copies(), format, link.announcement());
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
