package io.vhost.app.vswitch;

import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.net.Segmenter;

/** Sends packets, and cuts those that their receiver does not take uncut. One thread. */
final class Cutter {
    private static final int BURST = LearningSwitch.BURST;

    private final Segmenter segmenter = new Segmenter();
    private final Packet[] segments = new Packet[BURST];

    /** A receiver. */
    interface Sink {
        /** Whether it takes a packet with the segmentation that this asks for. */
        boolean accepts(Packet packet);

        /** Sends packets in their order, and gives those away that found room; how many. */
        int send(Packet[] packets, int offset, int count);
    }

    /** Sends packets in their order, up to the first one that finds no room. */
    int send(Sink sink, Packet[] packets, int offset, int count) {
        int end = offset + count;
        int begin = offset;
        for (int i = offset; i < end; i++) {
            if (sink.accepts(packets[i])) {
                continue;
            }
            begin += sink.send(packets, begin, i - begin);
            if (begin < i || !cut(sink, packets, i)) {
                return begin - offset;
            }
            begin++;
        }
        return begin - offset + sink.send(packets, begin, end - begin);
    }

    /** Sends one packet in segments, and gives it away if all found room. */
    private boolean cut(Sink sink, Packet[] packets, int index) {
        Packet packet = packets[index];
        PacketPool pool = packet.pool();
        int left = segmenter.begin(packet);
        if (left == 0 || segmenter.longest() > pool.bufferSize() - pool.headroom()) {
            // It is not what it says, which the receiver refuses and counts.
            return sink.send(packets, index, 1) == 1;
        }
        while (left > 0) {
            int count = pool.take(segments, 0, Math.min(left, BURST));
            for (int i = 0; i < count; i++) {
                segmenter.next(segments[i]);
            }
            int sent = sink.send(segments, 0, count);
            if (sent < count || count == 0) {
                pool.release(segments, sent, count - sent);
                return false;
            }
            left -= count;
        }
        packet.release();
        return true;
    }
}
