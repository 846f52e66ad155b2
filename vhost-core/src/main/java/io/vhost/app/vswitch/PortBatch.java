package io.vhost.app.vswitch;

import io.vhost.app.polling.PortCounters;
import io.vhost.net.Packet;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * What one thread has to do with one port: its link, the packets of the thread's present burst that leave by
 * the port, and what the thread has counted.
 *
 * <p>All but {@link #counters} is for that thread. It alone counts; others read each
 * count as it was or as it is, but two counts perhaps of different bursts.
 */
final class PortBatch {
    /** Longs of a cache line, before and behind the counts: threads that count share none. */
    private static final int LINE = 8;
    private static final int RX_PACKETS = LINE;
    private static final int RX_BYTES = LINE + 1;
    private static final int TX_PACKETS = LINE + 2;
    private static final int TX_BYTES = LINE + 3;
    private static final int DROP_PACKETS = LINE + 4;
    private static final int DROP_BYTES = LINE + 5;

    final Link link;
    /** Whether the thread polls the port, or a part of its queues. */
    final boolean receives;
    /** Which part. */
    final QueueShare share;
    private final Packet[] leaving;
    private final AtomicLongArray counts = new AtomicLongArray(3 * LINE);
    private int count;

    /**
     * Without traffic.
     *
     * @param link the thread's way to what is behind the port
     * @param share of the thread
     * @param pairs of the port
     * @param burst most packets between two calls of {@link #flush}
     */
    PortBatch(Link link, QueueShare share, int pairs, int burst) {
        this.link = link;
        this.share = share;
        receives = share.begin() < pairs;
        leaving = new Packet[burst];
    }

    /** What has passed. Any thread. */
    PortCounters counters() {
        return new PortCounters(
                counts.getOpaque(RX_PACKETS), counts.getOpaque(RX_BYTES),
                counts.getOpaque(TX_PACKETS), counts.getOpaque(TX_BYTES),
                counts.getOpaque(DROP_PACKETS), counts.getOpaque(DROP_BYTES), 0);
    }

    void received(Packet[] packets, int packetCount) {
        add(RX_PACKETS, packetCount);
        add(RX_BYTES, bytes(packets, 0, packetCount));
    }

    /**
     * Takes a packet over, to be sent with the next {@link #flush}.
     *
     * @return whether it is the first one since the last
     */
    boolean add(Packet packet) {
        leaving[count++] = packet;
        return count == 1;
    }

    /**
     * Sends packets that a program has redirected here; what finds no room is put last in the range.
     *
     * @return packets that are done with
     */
    int sendNow(Packet[] packets, int offset, int redirected) {
        long bytes = bytes(packets, offset, offset + redirected);
        int sent = link.send(packets, offset, redirected);
        add(TX_PACKETS, sent);
        add(TX_BYTES, bytes - bytes(packets, offset + sent, offset + redirected));
        return sent;
    }

    /** Sends what was added, and drops what finds no room. */
    void flush() {
        int all = count;
        if (all > 0) {
            // Whatever becomes of them.
            count = 0;
            // Before, because what is sent belongs to the link afterwards; the rest can be looked at then.
            long bytes = bytes(leaving, 0, all);
            int sent = link.send(leaving, 0, all);
            if (sent < all) {
                long dropBytes = bytes(leaving, sent, all);
                leaving[sent].pool().release(leaving, sent, all - sent);
                add(DROP_PACKETS, all - sent);
                add(DROP_BYTES, dropBytes);
                bytes -= dropBytes;
            }
            add(TX_PACKETS, sent);
            add(TX_BYTES, bytes);
        }
    }

    /** Counts a packet for which there was no copy to {@link #add}. */
    void drop(Packet packet) {
        add(DROP_PACKETS, 1);
        add(DROP_BYTES, packet.length());
    }

    private void add(int counter, long amount) {
        // One writer: no read-modify-write instruction is needed.
        counts.setOpaque(counter, counts.getPlain(counter) + amount);
    }

    private static long bytes(Packet[] packets, int from, int end) {
        long bytes = 0;
        for (int i = from; i < end; i++) {
            bytes += packets[i].length();
        }
        return bytes;
    }
}
