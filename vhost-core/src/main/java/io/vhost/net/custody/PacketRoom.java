package io.vhost.net.custody;

import io.vhost.net.Packet;
import io.vhost.net.access.PacketAccess;
import java.lang.foreign.MemorySegment;

/** A packet's buffer, for programs that move the packet's ends. Thread: the owner of the packet. */
public final class PacketRoom {
    // A constant, so that compiled code calls straight through.
    private static final PacketAccess<Packet> PACKETS = PacketAccess.of(Packet.class);

    private PacketRoom() {}

    /** The packet's whole buffer, head and tail room included; the same segment each time. */
    public static MemorySegment buffer(Packet packet) {
        return PACKETS.buffer(packet);
    }

    /**
     * Says where in its buffer the data is now. Offload fields keep naming the same bytes.
     *
     * @param packet that is the caller's
     * @param headroom bytes in front of the data, 0 or more
     * @param length bytes of data, 0 or more
     * @throws IllegalArgumentException if the data would not be inside the buffer
     */
    public static void window(Packet packet, int headroom, int length) {
        PACKETS.window(packet, headroom, length);
    }
}
