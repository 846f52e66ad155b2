package io.vhost.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.app.Await;
import io.vhost.device.DeviceListener;
import io.vhost.device.Feature;
import io.vhost.device.VhostConfig;
import io.vhost.device.VhostDevice;
import io.vhost.driver.DriverConfig.TransmitMode;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.server.VhostServer;
import java.io.IOException;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Bounds of the driver's rings, and what it tells a back-end that follows another. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@SuppressWarnings("try")   // closing twice is allowed, and once is in the middle
class DriverQueueTest extends VirtioUserFixture {
    private final BlockingQueue<VhostDevice> devices = new LinkedBlockingQueue<>();

    private VhostServer server(VhostConfig config) throws IOException {
        return VhostServer.listen(path, config, new DeviceListener() {
            @Override
            public void newDevice(VhostDevice device) {
                devices.add(device);
            }
        });
    }

    private static void send(VhostDevice device, PacketPool pool, int count) {
        Packet[] burst = new Packet[count];
        assertEquals(count, pool.take(burst, 0, count));
        for (Packet packet : burst) {
            packet.reset(60);
        }
        assertEquals(count, device.queue(0).enqueueBurst(burst, 0, count));
        pool.release(burst, 0, count);
    }

    /** Half of a small ring, or 32 buffers of a large one. */
    @ParameterizedTest
    @CsvSource({"16, 8", "64, 32", "128, 32"})
    void buffersAreOfferedAnewWhenAWorthwhileNumberIsMissing(int size, int missing) throws Exception {
        DriverConfig config = CONFIG.withPackets(2 * size, 2048, Integer.MAX_VALUE).withQueues(1, size);
        try (VhostServer _ = server(VhostConfig.defaults());
                PacketPool pool = PacketPool.create(size, 2048);
                VirtioUser driver = VirtioUser.connect(path, config)) {
            VhostDevice device = devices.take();
            for (int lap = 0; lap < 2; lap++) {
                send(device, pool, missing - 1);
                assertEquals(missing - 1, driver.receiveBurst(0, packets, 0, missing - 1));
                driver.pool().release(packets, 0, missing - 1);
                assertEquals(missing - 1, driver.queue(0).ring.free());
                send(device, pool, 1);
                assertEquals(1, driver.receiveBurst(0, packets, 0, 1));
                packets[0].release();
                assertEquals(0, driver.queue(0).ring.free());
            }
        }
    }

    /** One descriptor is too few for a packet that takes two. */
    @ParameterizedTest
    @CsvSource({"CHAINED, false", "ONE_BUFFER, true"})
    void roomIsWhatAPacketTakes(TransmitMode mode, boolean hasRoom) throws Exception {
        DriverConfig config = CONFIG.withPackedRings().withQueues(1, 15).withTransmitMode(mode);
        try (VhostServer _ = server(VhostConfig.defaults());
                VirtioUser driver = VirtioUser.connect(path, config)) {
            devices.take();
            int most = mode == TransmitMode.CHAINED ? 7 : 14;
            assertEquals(most, driver.pool().take(packets, 0, most));
            for (int i = 0; i < most; i++) {
                packets[i].reset(60);
            }
            assertEquals(most, driver.transmitBurst(0, packets, 0, most));
            assertEquals(1, driver.queue(1).ring.free());
            assertEquals(hasRoom, ((TransmitQueue) driver.queue(1)).hasRoom());
        }
    }

    @Test
    void aHeaderNeedsAsMuchHeadroomAsItIsLong() throws Exception {
        DriverConfig config = CONFIG.withTransmitMode(TransmitMode.ONE_BUFFER);
        try (VhostServer _ = server(VhostConfig.defaults());
                VirtioUser driver = VirtioUser.connect(path, config)) {
            devices.take();
            int header = driver.queue(1).headerLength;
            for (int left = header - 1; left <= header + 1; left++) {
                Packet packet = packet(driver, 60, 1);
                packet.prepend(packet.headroom() - left);
                int free = driver.queue(1).ring.free();
                assertEquals(1, driver.transmitBurst(0, packets, 0, 1));
                assertEquals(left < header ? 2 : 1, free - driver.queue(1).ring.free(), "headroom=" + left);
            }
        }
    }

    /** They are put back 64 at a time. */
    @ParameterizedTest
    @CsvSource({"63", "64", "65", "128"})
    void allPacketsThatWereSentComeBack(int count) throws Exception {
        DriverConfig config = CONFIG.withPackets(300, 2048, Integer.MAX_VALUE).withQueues(1, 128)
                .withTransmitMode(TransmitMode.ONE_BUFFER);
        Packet[] burst = new Packet[count];
        try (VhostServer _ = server(VhostConfig.defaults());
                PacketPool pool = PacketPool.create(128, 2048);
                VirtioUser driver = VirtioUser.connect(path, config)) {
            VhostDevice device = devices.take();
            int before = driver.pool().available();
            assertEquals(count, driver.pool().take(burst, 0, count));
            for (Packet packet : burst) {
                packet.reset(60);
            }
            assertEquals(count, driver.transmitBurst(0, burst, 0, count));
            assertEquals(count, device.queue(1).dequeueBurst(pool, burst, 0, count));
            pool.release(burst, 0, count);
            driver.reclaim(0);
            assertEquals(before, driver.pool().available());
        }
    }

    @Test
    void aBackEndThatFollowsIsKicked() throws Exception {
        try (VhostServer first = server(VhostConfig.defaults());
                VirtioUser driver = VirtioUser.connect(path, CONFIG)) {
            devices.take();
            first.close();
            try (VhostServer _ = server(VhostConfig.defaults())) {
                driver.queue(0).kick.drain();
                driver.queue(1).kick.drain();
                driver.reconnect();
                devices.take();
                assertTrue(driver.queue(0).kick.drain() > 0);
                assertTrue(driver.queue(1).kick.drain() > 0);
                assertTrue(driver.isConnected());
            }
        }
    }

    /** One that has less than its predecessor is left again, and nothing of it stays. */
    @Test
    void aBackEndThatCannotFollowIsLeft() throws Exception {
        VhostConfig less = VhostConfig.builder().without(Feature.VIRTIO_NET_F_MRG_RXBUF).build();
        try (VhostServer first = server(VhostConfig.defaults());
                VirtioUser driver = VirtioUser.connect(path, CONFIG)) {
            devices.take();
            first.close();
            try (VhostServer second = server(less)) {
                String text = assertThrows(IOException.class, driver::reconnect).getMessage();
                assertTrue(text.contains("0x8000 are missing"), text);
                Await.until("it has gone", () -> second.connectionCount() == 0);
                assertFalse(driver.isConnected());
            }
        }
    }
}
