package io.vhost.app;

import io.vhost.device.VhostDevice;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;

/**
 * A guest's network card. Receives from all queue pairs, beginning with another one each time;
 * sends to the first.
 */
final class DeviceLink implements Link {
    private final VhostDevice device;
    private final int pairs;
    private int first;

    DeviceLink(VhostDevice device) {
        this.device = device;
        this.pairs = device.queueCount() / 2;
    }

    @Override
    public int receive(PacketPool pool, Packet[] packets, int offset, int count) {
        int received = 0;
        int pair = first;
        for (int i = 0; i < pairs && received < count; i++) {
            received +=
                    device.queue(2 * pair + 1)
                            .dequeueBurst(pool, packets, offset + received, count - received);
            pair = pair + 1 == pairs ? 0 : pair + 1;
        }
        first = first + 1 >= pairs ? 0 : first + 1;
        return received;
    }

    @Override
    public int send(Packet[] packets, int offset, int count) {
        return device.queue(0).enqueueBurst(packets, offset, count);
    }
}
