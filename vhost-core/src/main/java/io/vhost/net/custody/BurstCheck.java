package io.vhost.net.custody;

import io.vhost.net.Packet;
import io.vhost.net.PacketPool;

/**
 * For queues: whether an application may hand over the packets of a burst, judged before any of them is in a
 * ring. Thread: the owner of the packets.
 */
public final class BurstCheck {
    private BurstCheck() {}

    /**
     * {@return the length of a packet that is there to be sent, at least 1}
     *
     * @param packets the burst
     * @param index of the packet
     * @throws NullPointerException if there is no packet
     * @throws IllegalArgumentException if it is empty, in its pool or in flight
     */
    public static int length(Packet[] packets, int index) {
        Packet packet = packets[index];
        if (packet == null || packet.length() <= 0) {
            throw refusal(packets, index);
        }
        return packet.length();
    }

    /**
     * Requires packets which a queue can keep: each to be sent as {@link #length} says, and only once.
     *
     * @param packets the burst
     * @param offset index of the first
     * @param count how many
     * @throws NullPointerException if a packet is null
     * @throws IllegalArgumentException if one is empty, in its pool, in flight, or comes twice
     */
    public static void requireDistinct(Packet[] packets, int offset, int count) {
        int marked = offset;
        try {
            while (marked < offset + count) {
                length(packets, marked);
                Custody.accept(packets[marked]);
                marked++;
            }
        } finally {
            while (--marked >= offset) {
                Custody.giveBack(packets[marked]);
            }
        }
    }

    /**
     * The same for packets that all have to come from one pool.
     *
     * @param packets the burst
     * @param offset index of the first
     * @param count how many
     * @param pool that they must come from
     * @throws NullPointerException if a packet is null
     * @throws IllegalArgumentException if one is of another pool, empty, in its pool, in flight, or comes
     *     twice
     */
    public static void requireDistinct(Packet[] packets, int offset, int count, PacketPool pool) {
        requireDistinct(packets, offset, count);
        for (int i = offset; i < offset + count; i++) {
            if (packets[i].pool() != pool) {
                throw new IllegalArgumentException(("packets[%d] cannot be sent: it belongs to %s, whose"
                        + " memory the device does not have; send packets of %s")
                        .formatted(i, packets[i].pool(), pool));
            }
        }
    }

    private static RuntimeException refusal(Packet[] packets, int index) {
        Packet packet = packets[index];
        if (packet == null) {
            return new NullPointerException("packets[" + index + "] is null, not a packet: send only as many"
                    + " as a pool or a burst gave");
        }
        for (int i = 0; i < index; i++) {
            if (packets[i] == packet && packet.isInFlight()) {
                return new IllegalArgumentException("packets[%d] cannot be sent: packets[%d] is the same, %s;"
                        .formatted(index, i, packet.index()) + " take another one and copy it");
            }
        }
        return new IllegalArgumentException("packets[" + index + "] cannot be sent: " + packet
                + "; send packets that hold data, are not back in their pool and have been given back by the"
                + " queue that sent them before");
    }
}
