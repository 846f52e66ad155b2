package io.vhost.device;

import io.vhost.net.Packet;

/** Bursts for tests of programs in other packages, without a queue. */
public final class Bursts {
    private Bursts() { }

    /** Packets that are to be decided on. */
    public static PacketBurst of(ProgramPlace place, int pair, Packet... packets) {
        PacketBurst burst = new PacketBurst();
        burst.begin(place, pair, packets, 0, packets.length);
        return burst;
    }
}
