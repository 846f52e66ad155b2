package io.vhost.app.vswitch;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.os.TapDevice;
import io.vhost.peer.Peers;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("peer")
class TapLinkTest {
    private static final String NAME = "vhostlink%d".formatted(ProcessHandle.current().pid() % 100_000);

    @BeforeEach
    void needs() {
        Peers.requireTap();
    }

    @Test
    void whatTheKernelDoesNotTakeStaysTheCallersAndIsPutLast() {
        try (TapDevice tap = TapDevice.open(NAME); PacketPool pool = PacketPool.create(4, 512)) {
            tap.up();
            Packet[] packets = new Packet[4];
            assertEquals(3, pool.take(packets, 1, 3));
            // Shorter than an Ethernet header: no frame.
            packets[1].reset(13);
            packets[2].reset(60);
            packets[3].reset(61);
            Packet refused = packets[1];
            assertEquals(2, new TapLink(tap).send(packets, 1, 3));
            assertEquals(refused, packets[3]);
            assertEquals(1, pool.outstanding());
            refused.release();
        }
    }
}
