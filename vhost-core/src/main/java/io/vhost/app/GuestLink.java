package io.vhost.app;

import io.vhost.device.VhostDevice;
import io.vhost.device.VirtQueue;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.net.Segmenter;

/**
 * A guest's network card. Receives from all queue pairs, beginning with another one each time. Packets of one flow go to one
 * pair, so that they stay in order. What the guest does not take uncut is cut here.
 */
final class GuestLink implements Link {
    private static final int BURST = 32;
    private static final int IP_ADDRESSES = 26;
    /** Bytes of a segment's buffer: room for a jumbo frame. */
    private static final int SEGMENT = PacketPool.DEFAULT_HEADROOM + 9216;

    private final VhostDevice device;
    private final int pairs;
    private final Segmenter segmenter = new Segmenter();
    private final Packet[] flow = new Packet[LearningSwitch.BURST];
    private final Packet[] segments = new Packet[BURST];
    private PacketPool segmentPool;
    private int first;

    GuestLink(VhostDevice device) {
        this.device = device;
        this.pairs = device.queueCount() / 2;
    }

    @Override
    public int receive(PacketPool pool, Packet[] packets, int offset, int count) {
        int received = 0;
        int pair = first;
        for (int i = 0; i < pairs && received < count; i++) {
            received += device.queue(2 * pair + 1).dequeueBurst(pool, packets, offset + received, count - received);
            pair = pair + 1 == pairs ? 0 : pair + 1;
        }
        first = first + 1 >= pairs ? 0 : first + 1;
        return received;
    }

    @Override
    public int send(Packet[] packets, int offset, int count) {
        int sent = sendCopies(packets, offset, count);
        if (sent > 0) {
            // All were looked at, and it does not matter which of them go back here and which at the caller's.
            packets[offset].pool().release(packets, offset, sent);
        }
        return sent;
    }

    private int sendCopies(Packet[] packets, int offset, int count) {
        int open = openPairs();
        if (open <= 1) {
            return sendTo(device.queue(0), packets, offset, count);
        }
        int sent = 0;
        for (int pair = 0; pair < open; pair++) {
            int chosen = 0;
            for (int i = offset; i < offset + count; i++) {
                if (flowOf(packets[i]) % open == pair) {
                    flow[chosen++] = packets[i];
                }
            }
            sent += chosen == 0 ? 0 : sendTo(device.queue(2 * pair), flow, 0, chosen);
        }
        return sent;
    }

    /** The pairs that the guest uses: the first ones, as many as it has enabled. */
    private int openPairs() {
        int open = 0;
        while (open < pairs && device.queue(2 * open).isRunning()) {
            open++;
        }
        return open;
    }

    /** A number from addresses and ports where IPv4 has them, and from something of the flow elsewhere. */
    private static int flowOf(Packet packet) {
        if (packet.length() < IP_ADDRESSES + 3 * Integer.BYTES) {
            return 0;
        }
        int mix = packet.networkIntAt(IP_ADDRESSES) ^ packet.networkIntAt(IP_ADDRESSES + 4);
        if (packet.byteAt(23) == 6 || packet.byteAt(23) == 17) {
            mix ^= packet.networkIntAt(IP_ADDRESSES + 8);
        }
        return (mix * 0x9E3779B9) >>> 16;
    }

    private int sendTo(VirtQueue queue, Packet[] packets, int offset, int count) {
        int sent = 0;
        int begin = offset;
        for (int i = offset; i < offset + count; i++) {
            if (!queue.accepts(packets[i])) {
                sent += queue.enqueueBurst(packets, begin, i - begin) + cut(queue, packets[i]);
                begin = i + 1;
            }
        }
        return sent + queue.enqueueBurst(packets, begin, offset + count - begin);
    }

    /** Sends a packet in segments; 1 when all found room. */
    private int cut(VirtQueue queue, Packet packet) {
        int left = segmenter.begin(packet);
        if (left == 0 || segmenter.longest() > SEGMENT - PacketPool.DEFAULT_HEADROOM) {
            return 0;
        }
        if (segmentPool == null) {
            segmentPool = PacketPool.create(BURST, SEGMENT);
        }
        boolean complete = true;
        while (left > 0 && complete) {
            int count = segmentPool.take(segments, 0, Math.min(left, BURST));
            for (int i = 0; i < count; i++) {
                segmenter.next(segments[i]);
            }
            complete = queue.enqueueBurst(segments, 0, count) == count;
            segmentPool.release(segments, 0, count);
            left -= count;
        }
        return complete ? 1 : 0;
    }
}
