package io.vhost.example;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.vhost.device.VhostConfig;
import io.vhost.device.VhostDevice;
import io.vhost.device.VirtQueue;
import io.vhost.dma.DmaChannel;
import io.vhost.dma.DmaRegistry;
import io.vhost.dma.engine.WorkerDmaEngine;
import io.vhost.driver.DriverConfig;
import io.vhost.driver.VirtioUser;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.server.VhostServer;
import io.vhost.testing.FaultyDmaEngine;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class AsyncExampleTest {
    @TempDir
    private Path directory;

    /**
     * Front-ends come and go with packets under way;
     * each packet comes back, and at the end all are in the pool.
     */
    @Test
    void packetsComeBackAndNothingIsLeftWhenTheFrontEndGoes() throws IOException, InterruptedException {
        Path socket = directory.resolve("socket");
        try (PacketPool pool = PacketPool.create(256, 2048);
                DmaRegistry registry = new DmaRegistry()) {
            DmaChannel channel = registry.configure("worker", new WorkerDmaEngine("example worker"));
            AtomicReference<VhostDevice> device = new AtomicReference<>();
            AsyncExample example = new AsyncExample(channel, pool);
            Thread poller = Thread.ofPlatform().daemon().start(() -> {
                while (!Thread.currentThread().isInterrupted()) {
                    VhostDevice now = device.get();
                    if (now == null || example.poll(now.queue(1), now.queue(0)) == 0) {
                        LockSupport.parkNanos(1);
                    }
                }
            });
            VhostConfig config = VhostConfig.builder().asyncCopy(registry).build();
            try (VhostServer _ = VhostServer.listen(socket, config, new Seen(example, device))) {
                for (int round = 0; round < 3; round++) {
                    try (VirtioUser driver = VirtioUser.connect(socket, DriverConfig.defaults())) {
                        for (int content = 0; content < 50; content++) {
                            assertEquals(content, echoed(driver, content));
                        }
                        send(driver, 1);
                    }
                }
            }
            poller.interrupt();
            poller.join();
            assertEquals(0, pool.outstanding());
        }
    }

    /**
     * An engine that never completes holds up neither the callbacks nor the end of the server, and the packet
     * comes back undelivered when the device has given the engine up.
     */
    @Test
    void anEngineThatNeverCompletesHoldsNothingUp() throws IOException {
        Path socket = directory.resolve("socket");
        try (PacketPool pool = PacketPool.create(256, 2048);
                DmaRegistry registry = new DmaRegistry()) {
            FaultyDmaEngine engine = FaultyDmaEngine.seeded(1).build();
            engine.hold(true);
            DmaChannel channel = registry.configure("stuck", engine);
            AtomicReference<VhostDevice> device = new AtomicReference<>();
            AsyncExample example = new AsyncExample(channel, pool);
            VhostConfig config = VhostConfig.builder()
                    .asyncCopy(registry).copyTimeout(Duration.ofMillis(50)).build();
            try (VhostServer _ = VhostServer.listen(socket, config, new Seen(example, device));
                    VirtioUser driver = VirtioUser.connect(socket, DriverConfig.defaults())) {
                while (device.get() == null) {
                    Thread.onSpinWait();
                }
                VirtQueue from = device.get().queue(1);
                send(driver, 1);
                example.poll(from, device.get().queue(0));
                assertEquals(1, from.getInflight());
            }
            assertEquals(0, pool.outstanding());
        }
    }

    /** The example, and the test that must know its device. */
    private record Seen(AsyncExample example, AtomicReference<VhostDevice> device)
            implements io.vhost.device.DeviceListener {
        @Override
        public void newDevice(VhostDevice started) {
            device.set(started);
        }

        @Override
        @SuppressWarnings("GuardedBy") // Handed on under the same lock.
        public void vringStateChanged(VirtQueue queue, boolean enabled) {
            example.vringStateChanged(queue, enabled);
        }

        @Override
        public void destroyDevice(VhostDevice gone) {
            device.set(null);
            example.destroyDevice(gone);
        }
    }

    private static void send(VirtioUser driver, int content) {
        Packet[] packets = {driver.pool().take()};
        packets[0].reset(60);
        packets[0].putByte(59, content);
        assertEquals(1, driver.transmitBurst(0, packets, 0, 1));
    }

    private static int echoed(VirtioUser driver, int content) {
        send(driver, content);
        Packet[] packets = new Packet[1];
        while (driver.receiveBurst(0, packets, 0, 1) == 0) {
            Thread.onSpinWait();
        }
        int received = packets[0].byteAt(59);
        packets[0].release();
        return received;
    }
}
