package io.vhost.example;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.vhost.app.Await;
import io.vhost.capture.CaptureBlocks;
import io.vhost.device.DeviceListener;
import io.vhost.device.VhostConfig;
import io.vhost.device.VhostDevice;
import io.vhost.driver.DriverConfig;
import io.vhost.driver.VirtioUser;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.server.VhostServer;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RecorderTest {
    @TempDir
    private Path directory;

    @Test
    void packetsOfBothDirectionsAreInTheFile() throws Exception {
        Path socket = directory.resolve("socket");
        Path file = directory.resolve("guest.pcapng");
        AtomicReference<VhostDevice> connected = new AtomicReference<>();
        Packet[] packets = new Packet[1];
        try (Recorder recorder = new Recorder(file);
                VhostServer _ = VhostServer.listen(socket, VhostConfig.defaults(), new DeviceListener() {
                    @Override
                    public void newConnection(VhostDevice device) {
                        connected.set(device);
                        recorder.newConnection(device);
                    }
                });
                PacketPool pool = PacketPool.create(4, 2048);
                VirtioUser driver = VirtioUser.connect(socket, DriverConfig.defaults())) {
            VhostDevice device = connected.get();
            assertEquals(1, driver.pool().take(packets, 0, 1));
            packets[0].reset(200);
            assertEquals(1, driver.transmitBurst(0, packets, 0, 1));
            Await.until("the packet", () -> device.queue(1).dequeueBurst(pool, packets, 0, 1) == 1);
            Await.until("room", () -> device.queue(0).enqueueBurst(packets, 0, 1) == 1);
            packets[0].release();
            assertEquals(0, recorder.dropped());
        }
        List<CaptureBlocks.Block> recorded = CaptureBlocks.of(CaptureBlocks.of(file), CaptureBlocks.PACKET);
        assertEquals(List.of(128, 128), recorded.stream().map(one -> one.packet().length).toList());
    }
}
