package io.vhost.app.vswitch;

import io.vhost.app.polling.PacketQueue;
import io.vhost.app.polling.PolledDevice;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import java.util.List;

/**
 * A guest's network card. Receives from all queue pairs, beginning with another one each time. Packets of one
 * flow go to one pair, so that they stay in order. What the guest does not take uncut is cut here.
 */
public final class DeviceLink implements Link {
    private static final int BURST = LearningSwitch.BURST;
    private static final int IP_ADDRESSES = 26;
    private static final int TCP = 6;
    private static final int UDP = 17;

    private final List<PacketQueue> queues;
    private final int pairs;
    /** The pairs that this link's thread polls are this one, and each {@code step}th after it. */
    private final int begin;
    private final int step;
    private final Cutter cutter = new Cutter();
    private final List<Cutter.Sink> guests;
    private final Packet[] flow = new Packet[BURST];
    private final Packet[] rest = new Packet[BURST];
    private final int[] pairOf = new int[BURST];
    private int first;

    /**
     * A link to a device whose queues may run or not, with all its pairs.
     *
     * @param device the guest's
     */
    public DeviceLink(PolledDevice device) {
        this(device, QueueShare.ALL);
    }

    /**
     * A link of one thread. It receives from the thread's share of the pairs, and sends to these as well as
     * long as the guest has enabled some of them: no other thread uses them then.
     *
     * @param device the guest's
     * @param share of the thread
     */
    DeviceLink(PolledDevice device, QueueShare share) {
        this.begin = share.begin();
        this.step = share.threads();
        this.first = begin;
        this.queues = device.queues();
        this.pairs = queues.size() / 2;
        this.guests = queues.stream().<Cutter.Sink>map(Guest::new).toList();
    }

    /** The guest as the receiver of a queue's packets. */
    private record Guest(PacketQueue queue) implements Cutter.Sink {
        @Override
        public boolean accepts(Packet packet) {
            return queue.accepts(packet);
        }

        @Override
        public int send(Packet[] packets, int offset, int count) {
            return queue.send(packets, offset, count);
        }
    }

    @Override
    public int receive(PacketPool pool, Packet[] packets, int offset, int count) {
        settle();
        int received = 0;
        int pair = first;
        for (int i = begin; i < pairs; i += step) {
            if (received < count) {
                received += queues.get(2 * pair + 1)
                        .receive(pool, packets, offset + received, count - received);
            }
            pair = pair + step >= pairs ? begin : pair + step;
        }
        first = first + step >= pairs ? begin : first + step;
        return received;
    }

    @Override
    public boolean hasMoved() {
        boolean moved = false;
        for (int pair = begin; pair < pairs; pair += step) {
            moved |= queues.get(2 * pair + 1).hasMoved();
        }
        return moved;
    }

    /** All pairs: which of them it sends to changes as the guest enables them. */
    @Override
    public void settle() {
        for (int pair = 0; pair < pairs; pair++) {
            queues.get(2 * pair).settle();
        }
    }

    @Override
    public int send(Packet[] packets, int offset, int count) {
        int open = openPairs();
        boolean own = begin < open;
        int start = own ? begin : 0;
        int stride = own ? step : 1;
        int choice = own ? (open - begin + step - 1) / step : open;
        if (choice <= 1) {
            return cutter.send(guests.get(2 * start), packets, offset, count);
        }
        // All flows first: a packet that was sent is no longer ours to look at.
        for (int i = 0; i < count; i++) {
            pairOf[i] = start + flowOf(packets[offset + i]) % choice * stride;
        }
        int sent = 0;
        int left = 0;
        for (int pair = start; pair < open; pair += stride) {
            int chosen = 0;
            for (int i = 0; i < count; i++) {
                if (pairOf[i] == pair) {
                    flow[chosen++] = packets[offset + i];
                }
            }
            int done = chosen == 0 ? 0 : cutter.send(guests.get(2 * pair), flow, 0, chosen);
            System.arraycopy(flow, done, rest, left, chosen - done);
            left += chosen - done;
            sent += done;
        }
        System.arraycopy(rest, 0, packets, offset + sent, left);
        return sent;
    }

    /** The pairs that the guest uses: the first ones, as many as it has enabled. */
    private int openPairs() {
        int open = 0;
        while (open < pairs && queues.get(2 * open).isRunning()) {
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
        if (packet.byteAt(23) == TCP || packet.byteAt(23) == UDP) {
            mix ^= packet.networkIntAt(IP_ADDRESSES + 8);
        }
        return (mix * 0x9E3779B9) >>> 16;
    }
}
