package io.vhost.app;

import io.vhost.device.VhostDevice;
import io.vhost.dma.DmaRegistry;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import java.util.List;

/**
 * A guest's network card. Receives from all queue pairs, beginning with another one each time;
 * sends to the first.
 */
final class DeviceLink implements Link {
    private final VhostDevice device;
    private final List<PacketQueue> queues;
    private final int pairs;
    private int first;

    /**
     * A link to a device whose queues do not run yet.
     *
     * @param device the guest's
     * @param dma what copies packets; null: the caller does
     */
    DeviceLink(VhostDevice device, DmaRegistry dma) {
        this.device = device;
        this.queues = PacketQueue.of(device, dma);
        this.pairs = queues.size() / 2;
    }

    /** One of the device's queues. */
    PacketQueue queue(int index) {
        return queues.get(index);
    }

    /** The connection has ended, and nobody receives any more. */
    void end() {
        queues.forEach(PacketQueue::end);
    }

    /** Packets that a DMA channel is copying. */
    long inFlight() {
        return PacketQueue.inFlight(device);
    }

    @Override
    public int receive(PacketPool pool, Packet[] packets, int offset, int count) {
        queues.get(0).settle();
        int received = 0;
        int pair = first;
        for (int i = 0; i < pairs && received < count; i++) {
            received += queues.get(2 * pair + 1).receive(pool, packets, offset + received, count - received);
            pair = pair + 1 == pairs ? 0 : pair + 1;
        }
        first = first + 1 >= pairs ? 0 : first + 1;
        return received;
    }

    @Override
    public int send(Packet[] packets, int offset, int count) {
        return queues.get(0).send(packets, offset, count);
    }
}
