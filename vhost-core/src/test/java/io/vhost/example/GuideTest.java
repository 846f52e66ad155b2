package io.vhost.example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.device.DeviceListener;
import io.vhost.device.VhostConfig;
import io.vhost.device.VhostDevice;
import io.vhost.dma.DmaChannel;
import io.vhost.dma.DmaRegistry;
import io.vhost.driver.DriverConfig;
import io.vhost.driver.VirtioUser;
import io.vhost.monitor.MonitorClient;
import io.vhost.monitor.command.CommandException;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.server.VhostServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What the guide shows does what it says. */
@Timeout(60)
class GuideTest {
    @TempDir
    private Path directory;

    @Test
    void aThreadThatSleepsIsWokenByAPacket() throws IOException {
        Path socket = directory.resolve("socket");
        CompletableFuture<VhostDevice> device = new CompletableFuture<>();
        AtomicBoolean running = new AtomicBoolean(true);
        try (VhostServer _ = VhostServer.listen(socket, VhostConfig.defaults(), listener(device));
                VirtioUser guest = VirtioUser.connect(socket, DriverConfig.defaults());
                PacketPool pool = PacketPool.create(64, 2048)) {
            CompletableFuture<Void> loop = CompletableFuture.runAsync(() -> {
                Packet[] packets = new Packet[32];
                WaitingLoop.run(running::get, () -> {
                    int count = device.join().queue(1).dequeueBurst(pool, packets, 0, packets.length);
                    device.join().queue(0).enqueueBurst(packets, 0, count);
                    pool.release(packets, 0, count);
                    return count;
                }, device.join().queue(1));
            });
            Packet[] packets = {guest.pool().take()};
            packets[0].reset(60);
            assertEquals(1, guest.transmitBurst(0, packets, 0, 1));
            while (guest.receiveBurst(0, packets, 0, 1) == 0) {
                assertFalse(loop.isDone());
                Thread.onSpinWait();
            }
            packets[0].release();
            running.set(false);
            loop.join();
        }
    }

    @Test
    void aMonitorShowsTheDevicesAndAnswersTheProgramsOwnCommand() throws IOException {
        Path socket = directory.resolve("socket");
        Path monitor = directory.resolve("monitor");
        CompletableFuture<VhostDevice> device = new CompletableFuture<>();
        Settings.serveAndShow(socket, monitor, listener(device), () -> {
            try (VirtioUser _ = VirtioUser.connect(socket, DriverConfig.defaults());
                    MonitorClient client = MonitorClient.connect(monitor)) {
                device.join();
                assertEquals("hello", client.call("x-greet", Map.of()));
                assertEquals(1, ((List<?>) client.call("x-query-virtio", Map.of())).size());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            } catch (CommandException e) {
                throw new AssertionError(e);
            }
        });
    }

    @Test
    void settingsAreAccepted() throws IOException {
        assertEquals(4, Settings.manyQueues().queuePairs());
        assertEquals(16, Settings.strict().limits().connections());
        try (DmaRegistry registry = new DmaRegistry()) {
            DmaChannel channel = Settings.channel(registry);
            assertEquals(2000, Settings.withCopies(registry).copyThreshold());
            registry.unconfigure(channel);
        }
    }

    @Test
    void aGuestGoesOnWithTheNextBackEnd() throws IOException {
        Path socket = directory.resolve("socket");
        CompletableFuture<VhostDevice> first = new CompletableFuture<>();
        CompletableFuture<VhostDevice> second = new CompletableFuture<>();
        VhostServer server = VhostServer.listen(socket, VhostConfig.defaults(), listener(first));
        try (VirtioUser guest = Settings.thatOutlivesItsBackEnd(socket)) {
            first.join();
            server.close();
            server = VhostServer.listen(socket, VhostConfig.defaults(), listener(second));
            guest.reconnect();
            second.join();
            assertTrue(guest.isConnected());
        } finally {
            server.close();
        }
    }

    private static DeviceListener listener(CompletableFuture<VhostDevice> device) {
        return new DeviceListener() {
            @Override
            public void newDevice(VhostDevice arrived) {
                device.complete(arrived);
            }
        };
    }
}
