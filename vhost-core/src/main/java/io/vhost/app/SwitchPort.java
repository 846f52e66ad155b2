package io.vhost.app;

import io.vhost.net.Packet;

/**
 * One port of a {@link LearningSwitch}: the link behind it, and the packets of the present burst that leave by it.
 *
 * <p>All but {@link #dropped} and {@link #counters} is for the switch's thread.
 */
final class SwitchPort {
    final Link link;
    private final Packet[] leaving = new Packet[LearningSwitch.BURST];
    private int count;
    private volatile PortCounters counters = PortCounters.ZERO;

    SwitchPort(Link link) {
        this.link = link;
    }

    /** Packets for this port that its link had no room for. Any thread. */
    long dropped() {
        return counters.dropPackets();
    }

    /** What has passed. Any thread. */
    PortCounters counters() {
        return counters;
    }

    void received(Packet[] packets, int packetCount) {
        counters = counters.plus(new PortCounters(packetCount, bytes(packets, packetCount), 0, 0, 0, 0, 0));
    }

    void add(Packet packet) {
        leaving[count++] = packet;
    }

    /** Sends what was added; the packets stay the switch's. */
    void flush() {
        if (count > 0) {
            long bytes = bytes(leaving, count);
            int sent = link.send(leaving, 0, count);
            long sentBytes = sent == count ? bytes : bytes * sent / count;
            counters = counters.plus(new PortCounters(0, 0, sent, sentBytes, count - sent, bytes - sentBytes, 0));
            count = 0;
        }
    }

    private static long bytes(Packet[] packets, int count) {
        long bytes = 0;
        for (int i = 0; i < count; i++) {
            bytes += packets[i].length();
        }
        return bytes;
    }
}
