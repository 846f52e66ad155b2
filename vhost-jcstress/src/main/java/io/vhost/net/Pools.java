package io.vhost.net;

import io.vhost.Slab;

/** Small pools on slices of a slab, and what tests do with them. */
final class Pools {
    private static final int BUFFER = 64;
    private static final Slab SLAB = new Slab(PacketPool.slabSize(3, BUFFER));

    private Pools() {}

    static PacketPool of(int packets) {
        long size = PacketPool.slabSize(packets, BUFFER);
        return PacketPool.over(SLAB.memory().asSlice(SLAB.next(), size), packets, BUFFER, 0);
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
