package io.vhost.net.custody;

import io.vhost.net.Packet;
import io.vhost.net.access.PacketAccess;

/** Packets that queues have accepted. Thread: the owner of the packet, a queue's under its lock. */
public final class Custody {
    // A constant, so that compiled code calls straight through.
    private static final PacketAccess<Packet> PACKETS = PacketAccess.of(Packet.class);

    private Custody() {}

    /**
     * A queue accepts a packet, which is nobody else's until it is given back.
     *
     * @throws IllegalStateException if it is in its pool, or in flight
     */
    public static void accept(Packet packet) {
        PACKETS.inFlight(packet, true);
    }

    /**
     * A queue gives a packet back.
     *
     * @throws IllegalStateException if it is not in flight
     */
    public static void giveBack(Packet packet) {
        PACKETS.inFlight(packet, false);
    }

    /**
     * A queue gives a packet back after an asynchronous copy.
     *
     * @param packet which
     * @param undelivered whether it did not arrive
     * @throws IllegalStateException if it is not in flight
     */
    public static void giveBack(Packet packet, boolean undelivered) {
        PACKETS.inFlight(packet, false);
        PACKETS.undelivered(packet, undelivered);
    }
}
