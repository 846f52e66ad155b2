package io.vhost.net;

import io.vhost.Slab;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Small pools on slices of a slab, and what tests do with them. */
final class Pools {
    static final ValueLayout.OfInt NETWORK_INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private static final int BUFFER = 64;
    private static final Slab SLAB = new Slab(PacketPool.slabSize(3, BUFFER));

    private Pools() {}

    static PacketPool of(int packets) {
        long size = PacketPool.slabSize(packets, BUFFER);
        return PacketPool.over(SLAB.memory().asSlice(SLAB.next(), size), packets, BUFFER, 0);
    }

    /**
     * Asks again and again for the packet that the other actor is about to release;
     * null when it does not come.
     */
    static Packet await(PacketPool pool) {
        Packet taken = null;
        for (int i = 0; i < 20 && taken == null; i++) {
            taken = pool.take();
        }
        return taken;
    }

    /** A bit for the packet's number; 0 for none. */
    static int bit(Packet packet) {
        return packet == null ? 0 : 1 << packet.index();
    }

    /** The bits of the packets in a burst of up to two. */
    static int burst(PacketPool pool) {
        Packet[] packets = new Packet[2];
        int taken = pool.take(packets, 0, 2);
        int bits = 0;
        for (int i = 0; i < taken; i++) {
            bits += bit(packets[i]);
        }
        return bits;
    }

    /** 1, or 0 when it was refused. */
    static int release(Packet packet) {
        try {
            packet.release();
            return 1;
        } catch (IllegalStateException e) {
            return 0;
        }
    }
}
