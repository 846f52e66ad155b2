package io.vhost.app.vswitch;

import io.vhost.app.polling.PortCounters;
import io.vhost.net.Packet;

/**
 * One port of a {@link LearningSwitch}: the link behind it, and the packets of the present burst
 * that leave by it.
 *
 * <p>All but {@link #dropped} and {@link #counters} is for the switch's thread.
 */
public final class SwitchPort {
    final Link link;
    private final Packet[] leaving = new Packet[LearningSwitch.BURST];
    private int count;
    private volatile PortCounters counters = PortCounters.ZERO;

    SwitchPort(Link link) {
        this.link = link;
    }

    /** Packets for this port that its link had no room for. Any thread. */
    public long dropped() {
        return counters.dropPackets();
    }

    /** What has passed. Any thread. */
    PortCounters counters() {
        return counters;
    }

    void received(Packet[] packets, int packetCount) {
        counters = counters.plus(new PortCounters(packetCount, bytes(packets, packetCount), 0, 0, 0, 0, 0));
    }

    /** Takes a packet over, to be sent with the next {@link #flush}. */
    void add(Packet packet) {
        leaving[count++] = packet;
    }

    /** Sends what was added, and drops what finds no room. */
    void flush() {
        if (count > 0) {
            // The packets belong to the link afterwards; what it cannot send counts as of average length.
            long bytes = bytes(leaving, count);
            int sent = link.send(leaving, 0, count);
            long sentBytes = bytes * sent / count;
            if (sent < count) {
                leaving[sent].pool().release(leaving, sent, count - sent);
            }
            counters = counters.plus(
                    new PortCounters(0, 0, sent, sentBytes, count - sent, bytes - sentBytes, 0));
            count = 0;
        }
    }

    /** Counts packets that did not get as far as {@link #add}. */
    void drop(int packets) {
        counters = counters.plus(PortCounters.dropped(packets, 0));
    }

    private static long bytes(Packet[] packets, int count) {
        long bytes = 0;
        for (int i = 0; i < count; i++) {
            bytes += packets[i].length();
        }
        return bytes;
    }
}
