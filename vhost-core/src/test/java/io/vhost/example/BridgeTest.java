package io.vhost.example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.vhost.driver.DriverConfig;
import io.vhost.driver.VirtioUser;
import io.vhost.net.Packet;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class BridgeTest {
    @TempDir
    private Path directory;

    @Test
    void packetsOfEachFrontEndReachTheOther() throws IOException, InterruptedException, ExecutionException {
        Path socket = directory.resolve("socket");
        AtomicBoolean running = new AtomicBoolean(true);
        CompletableFuture<Void> bridge = CompletableFuture.runAsync(() -> run(socket, running));
        try (VirtioUser one = Connecting.to(socket);
                VirtioUser other = VirtioUser.connect(socket, DriverConfig.defaults())) {
            assertEquals(0xA1, passed(one, other, 0xA1));
            assertEquals(0xB2, passed(other, one, 0xB2));
        } finally {
            running.set(false);
            bridge.get();
        }
        assertFalse(Files.exists(socket));
    }

    private static void run(Path socket, AtomicBoolean running) {
        try {
            new Bridge().run(socket, running::get);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /**
     * Sends a packet until it arrives at the other side: one that the bridge took before it saw that side
     * comes back.
     */
    private static int passed(VirtioUser from, VirtioUser to, int content) {
        Packet[] packets = {from.pool().take()};
        packets[0].reset(60);
        packets[0].putByte(59, content);
        assertEquals(1, from.transmitBurst(0, packets, 0, 1));
        while (to.receiveBurst(0, packets, 0, 1) == 0) {
            if (from.receiveBurst(0, packets, 0, 1) == 1) {
                assertEquals(1, from.transmitBurst(0, packets, 0, 1));
            }
            Thread.onSpinWait();
        }
        int received = packets[0].byteAt(59);
        packets[0].release();
        return received;
    }
}
