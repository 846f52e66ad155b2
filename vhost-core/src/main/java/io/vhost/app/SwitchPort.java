package io.vhost.app;

import io.vhost.net.Packet;

/**
 * One port of a {@link LearningSwitch}: the link behind it, and the packets of the present burst
 * that leave by it.
 *
 * <p>All but {@link #dropped} is for the switch's thread.
 */
final class SwitchPort {
    final Link link;
    private final Packet[] leaving = new Packet[LearningSwitch.BURST];
    private int count;
    private volatile long dropped;

    SwitchPort(Link link) {
        this.link = link;
    }

    /** Packets for this port that its link had no room for. Any thread. */
    long dropped() {
        return dropped;
    }

    /** Takes a packet over, to be sent with the next {@link #flush}. */
    void add(Packet packet) {
        leaving[count++] = packet;
    }

    /** Sends what was added, and drops what finds no room. */
    void flush() {
        if (count > 0) {
            int sent = link.send(leaving, 0, count);
            if (sent < count) {
                leaving[sent].pool().release(leaving, sent, count - sent);
                drop(count - sent);
            }
            count = 0;
        }
    }

    @SuppressWarnings("NonAtomicVolatileUpdate")   // one thread writes
    void drop(int packets) {
        dropped += packets;
    }
}
