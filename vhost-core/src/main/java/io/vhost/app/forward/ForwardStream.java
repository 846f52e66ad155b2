package io.vhost.app.forward;

import io.vhost.app.polling.PacketQueue;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;

/** The way of packets from one queue to another. One thread; the hot loop of {@code forward}. */
final class ForwardStream {
    /** Most packets moved in one go. */
    static final int BURST = 32;

    private static final int ADDRESSES = 12;

    private final PacketQueue from;
    private final PacketQueue back;
    private final PacketQueue to;
    private final ForwardPort target;
    private final int index;
    private final boolean swapsAddresses;

    /**
     * A stream.
     *
     * @param from where packets are taken from
     * @param back the other queue of that pair, whose copies are looked after here
     * @param to where they are put; null: nobody is there, and all are dropped
     * @param target the port of {@code to}, which counts what is dropped
     * @param index of {@code to} among the port's queues
     * @param swapsAddresses whether each packet goes back to its sender
     */
    ForwardStream(
            PacketQueue from, PacketQueue back, PacketQueue to, ForwardPort target, int index,
            boolean swapsAddresses) {
        this.from = from;
        this.back = back;
        this.to = to;
        this.target = target;
        this.index = index;
        this.swapsAddresses = swapsAddresses;
    }

    /**
     * Moves one burst through {@code packets}, an array for this purpose;
     * how many packets were taken or settled.
     */
    int run(PacketPool pool, Packet[] packets) {
        int settled = back.settle();
        if (to != null && !to.hasRoom()) {
            return settled;
        }
        int count = from.receive(pool, packets, 0, BURST);
        if (count == 0) {
            // Packets that programs took away were work as well.
            return settled + (from.hasMoved() ? 1 : 0);
        }
        if (swapsAddresses) {
            swapAddresses(packets, count);
        }
        int sent = send(packets, count);
        if (sent < count) {
            target.drop(packets, sent, count);
            pool.release(packets, sent, count - sent);
        }
        return count;
    }

    private int send(Packet[] packets, int count) {
        // Who has come since this stream was planned was there before the packets were.
        PacketQueue present = to != null && to.isRunning() ? to : target.queue(index);
        return present == null ? 0 : present.send(packets, 0, count);
    }

    private static void swapAddresses(Packet[] packets, int count) {
        for (int i = 0; i < count; i++) {
            Packet packet = packets[i];
            if (packet.length() >= ADDRESSES) {
                long destination = packet.networkLongAt(0) >>> 16;
                long source = packet.networkLongAt(4) & 0xFFFF_FFFF_FFFFL;
                packet.putNetworkLong(0, source << 16 | destination >>> 32);
                packet.putNetworkInt(8, (int) destination);
            }
        }
    }
}
