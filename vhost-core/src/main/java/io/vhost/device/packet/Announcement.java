package io.vhost.device.packet;

import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A packet that the device sends in its guest's name after a migration: a RARP broadcast (RFC 903), from
 * which switches learn where the guest is now. Any thread.
 */
public final class Announcement {
    private static final long NONE = -1;
    private static final int LENGTH = 60;

    private final AtomicLong address = new AtomicLong(NONE);

    /** Nothing to announce yet. */
    public Announcement() {}

    /** The next burst from the guest begins with the packet. */
    public void request(long mac) {
        address.set(mac);
    }

    /** Whether a burst still has to take the packet. */
    public boolean isPending() {
        return address.getPlain() != NONE;
    }

    /** Makes the packet, if it is wanted, and puts it into {@code packets}; how many that are, 0 or 1. */
    int take(PacketPool pool, Packet[] packets, int offset, int count) {
        if (count == 0 || pool.take(packets, offset, 1) == 0) {
            return 0;
        }
        long mac = address.getAndSet(NONE);
        if (mac == NONE || packets[offset].capacity() < LENGTH) {
            packets[offset].release();
            return 0;
        }
        fill(packets[offset], mac);
        return 1;
    }

    private static void fill(Packet packet, long mac) {
        packet.reset(LENGTH);
        for (int i = 0; i < LENGTH; i++) {
            packet.putByte(i, 0);
        }
        putAddress(packet, 0, 0xFFFF_FFFF_FFFFL);
        putAddress(packet, 6, mac);
        packet.putNetworkShort(12, 0x8035);    // RARP
        packet.putNetworkShort(14, 1);         // over Ethernet
        packet.putNetworkShort(16, 0x0800);    // for IPv4
        packet.putByte(18, 6);
        packet.putByte(19, 4);
        packet.putNetworkShort(20, 3);         // request reverse
        putAddress(packet, 22, mac);
        putAddress(packet, 32, mac);
    }

    private static void putAddress(Packet packet, int position, long mac) {
        packet.putNetworkShort(position, (int) (mac >>> 32));
        packet.putNetworkInt(position + 2, (int) mac);
    }
}
