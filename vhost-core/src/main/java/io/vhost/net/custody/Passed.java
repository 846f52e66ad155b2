package io.vhost.net.custody;

import io.vhost.net.Packet;
import io.vhost.net.access.PacketAccess;

/**
 * Packets that programs have let pass to a queue that had no room for them: they come again, and programs
 * that count or change packets must not see them twice. Thread: the owner of the packet.
 */
public final class Passed {
    // A constant, so that compiled code calls straight through.
    private static final PacketAccess<Packet> PACKETS = PacketAccess.of(Packet.class);

    private Passed() {}

    /** Remembers who has let a packet pass, until it is taken or reset; null: nobody has. */
    public static void by(Packet packet, Object who) {
        PACKETS.passed(packet, who);
    }

    /** Whether a packet was let pass by these. */
    @SuppressWarnings("ReferenceEquality") // Who it was, not who equals it.
    public static boolean isBy(Packet packet, Object who) {
        return PACKETS.passedBy(packet) == who;
    }
}
