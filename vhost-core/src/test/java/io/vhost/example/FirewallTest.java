package io.vhost.example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.vhost.driver.DriverConfig;
import io.vhost.driver.VirtioUser;
import io.vhost.net.Packet;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class FirewallTest {
    private static final int SHUT = 23;

    @TempDir
    private Path directory;

    @Test
    void whatIsShutIsBlockedAndAThirdGuestIsTurnedAway() throws Exception {
        Path socket = directory.resolve("socket");
        try (Firewall firewall = new Firewall(SHUT)) {
            FutureTask<Void> run = new FutureTask<>(() -> {
                firewall.run(socket);
                return null;
            });
            Thread thread = Thread.ofPlatform().start(run);
            try (VirtioUser one = Connecting.to(socket); VirtioUser other = Connecting.to(socket)) {
                // Also what came before the other side was there was looked at.
                send(one, tcp(one, SHUT));
                send(one, tcp(one, SHUT + 1));
                while (received(other) != SHUT + 1) {
                    send(one, tcp(one, SHUT + 1));
                }
                assertEquals(1, firewall.blocked());
                assertThrows(IOException.class, () -> VirtioUser.connect(socket, DriverConfig.defaults()));
                send(other, tcp(other, 80));
                int port;
                do {
                    port = received(one);
                } while (port == 0);
                assertEquals(80, port);
            }
            thread.interrupt();
            run.get();
        }
        assertFalse(Files.exists(socket));
    }

    private static Packet tcp(VirtioUser driver, int port) {
        Packet packet = driver.pool().take();
        packet.copyFrom(new byte[60], 0, 60);
        packet.putNetworkShort(12, 0x0800);
        packet.putByte(14, 0x45);
        packet.putByte(14 + 9, 6);
        packet.putNetworkShort(14 + 20 + 2, port);
        return packet;
    }

    private static void send(VirtioUser driver, Packet packet) {
        assertEquals(1, driver.transmitBurst(0, new Packet[] {packet}, 0, 1));
    }

    /** The port in the next packet; 0 when none comes for some time. */
    private static int received(VirtioUser driver) {
        Packet[] packets = new Packet[1];
        boolean waits = true;
        while (driver.receiveBurst(0, packets, 0, 1) == 0) {
            if (!waits) {
                return 0;
            }
            waits = driver.awaitPackets(0, 100);
        }
        int port = packets[0].networkShortAt(14 + 20 + 2);
        packets[0].release();
        return port;
    }
}
