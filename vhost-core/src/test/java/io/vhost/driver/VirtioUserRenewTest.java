package io.vhost.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.device.DeviceListener;
import io.vhost.device.Feature;
import io.vhost.device.VhostConfig;
import io.vhost.device.VhostDevice;
import io.vhost.net.InternetChecksum;
import io.vhost.net.NetHeader;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.server.VhostClient;
import io.vhost.server.VhostServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A driver that listens, and one whose back-end goes and comes again as another. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class VirtioUserRenewTest extends VirtioUserFixture {
    private static final DriverConfig IMPATIENT = CONFIG.withTimeout(Duration.ofMillis(20));

    private final BlockingQueue<VhostDevice> devices = new LinkedBlockingQueue<>();
    private final DeviceListener listener = new DeviceListener() {
        @Override
        public void newDevice(VhostDevice device) {
            devices.add(device);
        }
    };

    private VhostServer backEnd(VhostConfig.Builder config) throws IOException {
        return VhostServer.listen(path, config.build(), listener);
    }

    private void echo(VirtioUser driver, VhostDevice device, PacketPool pool, int seed) {
        assertEquals(1, driver.transmitBurst(0, new Packet[] {packet(driver, SIZE, seed)}, 0, 1));
        assertEquals(1, device.queue(1).dequeueBurst(pool, packets, 0, 4));
        assertPattern(packets[0], SIZE, seed);
        assertEquals(1, device.queue(0).enqueueBurst(packets, 0, 1));
        packets[0].release();
        receive(driver, seed);
        driver.reclaim(0);
    }

    private void receive(VirtioUser driver, int seed) {
        assertEquals(1, driver.receiveBurst(0, packets, 0, 1));
        assertPattern(packets[0], SIZE, seed);
        packets[0].release();
    }

    @Test
    void aBackEndThatConnectsIsAsGoodAsOneThatListens() throws Exception {
        try (VhostClient _ = VhostClient.connect(path, VhostConfig.defaults(), listener);
                PacketPool pool = PacketPool.create(4, 2048);
                VirtioUser driver = VirtioUser.listen(path, CONFIG)) {
            assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(path)));
            echo(driver, devices.take(), pool, 1);
        }
        assertFalse(Files.exists(path));
    }

    @Test
    void whoListensIsAsStrictAsTheBackEndsServer() throws IOException {
        String none = assertThrows(IOException.class, () -> VirtioUser.listen(path, IMPATIENT)).getMessage();
        assertEquals("no back-end has connected to " + path + " within 20 ms; have it connect there as a"
                + " client", none);
        assertFalse(Files.exists(path));
        try (VhostServer _ = backEnd(VhostConfig.builder())) {
            String live = assertThrows(IOException.class, () -> VirtioUser.listen(path, IMPATIENT))
                    .getMessage();
            assertTrue(live.contains("a live process listens there"), live);
            assertTrue(Files.exists(path));
        }
        Files.writeString(path, "");
        String file = assertThrows(IOException.class, () -> VirtioUser.listen(path, IMPATIENT)).getMessage();
        assertTrue(file.contains("a file that is not a socket"), file);
    }

    @Test
    void theSocketsPermissionsAreChosen() throws Exception {
        try (VhostClient _ = VhostClient.connect(path, VhostConfig.defaults(), listener);
                VirtioUser _ = VirtioUser.listen(
                        path, PosixFilePermissions.fromString("rw-rw----"), CONFIG)) {
            assertEquals("rw-rw----", PosixFilePermissions.toString(Files.getPosixFilePermissions(path)));
        }
    }

    /** What was in the rings goes on: nothing is lost, nothing comes twice. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aSuccessorGoesOnInSplitRingsAndInTrackedPackedOnes(boolean packed) throws Exception {
        DriverConfig config = packed ? CONFIG.withPackedRings().withInflight() : CONFIG;
        VhostServer first = backEnd(VhostConfig.builder());
        try (PacketPool pool = PacketPool.create(4, 2048);
                VirtioUser driver = VirtioUser.connect(path, config)) {
            VhostDevice device = devices.take();
            echo(driver, device, pool, 1);
            Packet[] three = {packet(driver, SIZE, 2), packet(driver, SIZE, 3), packet(driver, SIZE, 4)};
            assertEquals(3, driver.transmitBurst(0, three, 0, 3));
            assertEquals(1, device.queue(1).dequeueBurst(pool, packets, 0, 1));
            assertEquals(1, device.queue(0).enqueueBurst(packets, 0, 1));
            packets[0].release();
            first.close();
            try (VhostServer _ = backEnd(VhostConfig.builder())) {
                assertTrue(driver.renew());
                receive(driver, 2);
                VhostDevice next = devices.take();
                assertEquals(2, next.queue(1).dequeueBurst(pool, packets, 0, 4));
                assertPattern(packets[0], SIZE, 3);
                assertPattern(packets[1], SIZE, 4);
                pool.release(packets, 0, 2);
                echo(driver, next, pool, 5);
                assertEquals(0, driver.transmitAbandoned(0));
                driver.stop();
                assertAllAreBack(driver);
            }
        }
    }

    /** Other features, and packed rings that do not tell where to begin, make new rings. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whereRingsBeginAnewEveryPacketIsAccountedFor(boolean packed) throws Exception {
        DriverConfig config = packed ? CONFIG.withPackedRings() : CONFIG;
        VhostServer first = backEnd(VhostConfig.builder());
        try (PacketPool pool = PacketPool.create(4, 2048);
                VirtioUser driver = VirtioUser.connect(path, config)) {
            VhostDevice device = devices.take();
            Packet[] three = {packet(driver, SIZE, 2), packet(driver, SIZE, 3), packet(driver, SIZE, 4)};
            assertEquals(3, driver.transmitBurst(0, three, 0, 3));
            assertEquals(1, device.queue(1).dequeueBurst(pool, packets, 0, 1));
            assertEquals(1, device.queue(0).enqueueBurst(packets, 0, 1));
            assertEquals(1, device.queue(0).enqueueBurst(packets, 0, 1));
            packets[0].release();
            first.close();
            VhostConfig.Builder poorer = packed ? VhostConfig.builder()
                    : VhostConfig.builder().without(Feature.VIRTIO_NET_F_MRG_RXBUF);
            try (VhostServer _ = backEnd(poorer)) {
                assertFalse(driver.renew());
                assertEquals(packed, driver.has(Feature.VIRTIO_NET_F_MRG_RXBUF));
                assertEquals(2, driver.transmitAbandoned(0));
                receive(driver, 2);
                echoBehindKept(driver, pool);
                driver.stop();
                assertAllAreBack(driver);
            }
        }
    }

    /** What was kept comes before what is new. */
    private void echoBehindKept(VirtioUser driver, PacketPool pool) throws InterruptedException {
        VhostDevice device = devices.take();
        Packet fresh = pool.take();
        fresh.reset(SIZE);
        assertEquals(1, device.queue(0).enqueueBurst(new Packet[] {fresh}, 0, 1));
        fresh.release();
        assertEquals(2, driver.receiveBurst(0, packets, 0, 4));
        assertPattern(packets[0], SIZE, 2);
        driver.pool().release(packets, 0, 2);
        echo(driver, device, pool, 7);
    }

    @Test
    void oneWithFewerQueuesIsRefusedAndTheNextIsTaken() throws Exception {
        VhostServer first = backEnd(VhostConfig.builder().queuePairs(2));
        try (PacketPool pool = PacketPool.create(4, 2048);
                VirtioUser driver = VirtioUser.connect(path, CONFIG.withQueues(2, 16))) {
            VhostDevice _ = devices.take();
            assertEquals(1, driver.transmitBurst(0, new Packet[] {packet(driver, SIZE, 1)}, 0, 1));
            first.close();
            assertTrue(assertThrows(IOException.class, driver::renew).getMessage()
                    .contains("start the listening side first"));
            try (VhostServer _ = backEnd(VhostConfig.builder())) {
                assertEquals("the back-end has 1 queue pairs, 2 are wanted",
                        assertThrows(IOException.class, driver::renew).getMessage());
            }
            try (VhostServer _ = backEnd(VhostConfig.builder().queuePairs(2))) {
                assertTrue(driver.renew());
                assertEquals(1, devices.take().queue(1).dequeueBurst(pool, packets, 0, 4));
                packets[0].release();
            }
        }
    }

    /** A successor that goes in the middle of a start leaves rings that are stopped, and nothing in them. */
    @Test
    void aSuccessorMayGoAfterAnyMessage() throws Exception {
        VhostServer first = backEnd(VhostConfig.builder());
        try (PacketPool pool = PacketPool.create(4, 2048);
                VirtioUser driver = VirtioUser.connect(path, CONFIG)) {
            VhostDevice _ = devices.take();
            first.close();
            boolean survived = false;
            for (int messages = 0; !survived; messages++) {
                assertTrue(messages < 60, "it never comes as far as that");
                try (ScriptedBackEnd _ = new ScriptedBackEnd(path, MODERN, 0).leaveAfter(messages).start()) {
                    survived = !driver.renew();
                } catch (IOException _) {
                    // As many messages are not enough.
                }
            }
            try (VhostServer _ = backEnd(VhostConfig.builder())) {
                boolean _ = driver.renew();
                echo(driver, devices.take(), pool, 9);
                driver.stop();
                assertAllAreBack(driver);
            }
        }
    }

    @Test
    void aBackEndWithoutChecksumsGetsThemComputedAndNoUncutPackets() throws Exception {
        VhostConfig.Builder poor = VhostConfig.builder().segmentation().without(Feature.VIRTIO_NET_F_CSUM);
        try (VhostServer _ = backEnd(poor);
                PacketPool pool = PacketPool.create(4, 2048);
                VirtioUser driver = VirtioUser.connect(path, CONFIG.withSegmentation())) {
            assertFalse(driver.has(Feature.VIRTIO_NET_F_HOST_TSO4));
            VhostDevice device = devices.take();
            Packet packet = packet(driver, 60, 0);
            packet.requestChecksum(20, 6);
            packet.putNetworkShort(26, 0);
            int sum = InternetChecksum.sum(packet.segment(), packet.dataOffset() + 20, 40);
            Packet uncut = driver.pool().take();
            uncut.reset(1000);
            uncut.offload(NetHeader.offload(NetHeader.NEEDS_CHECKSUM, NetHeader.GSO_TCPV4, 54, 100, 34), 16);
            assertFalse(driver.accepts(uncut));
            assertTrue(driver.accepts(packet));
            Packet impossible = driver.pool().take();
            impossible.reset(60);
            impossible.offload(NetHeader.offload(NetHeader.NEEDS_CHECKSUM, 0, 0, 0, 58), 1);
            assertEquals(3, driver.transmitBurst(0, new Packet[] {packet, uncut, impossible}, 0, 3));
            assertEquals(2, driver.transmitDropped(0));
            assertEquals(1, device.queue(1).dequeueBurst(pool, packets, 0, 4));
            assertFalse(packets[0].needsChecksum());
            assertEquals(~sum & 0xFFFF, packets[0].networkShortAt(26));
            packets[0].release();
            driver.stop();
            assertAllAreBack(driver);
        }
    }

    @Test
    void uncutPacketsPassWhereBothHaveThem() throws Exception {
        try (VhostServer _ = backEnd(VhostConfig.builder().segmentation());
                PacketPool pool = PacketPool.create(4, 2048);
                VirtioUser driver = VirtioUser.connect(path, CONFIG.withSegmentation())) {
            VhostDevice device = devices.take();
            Packet uncut = packet(driver, SIZE, 0);
            long word = NetHeader.offload(NetHeader.NEEDS_CHECKSUM, NetHeader.GSO_TCPV4, 54, 100, 34);
            uncut.offload(word, 16);
            assertTrue(driver.accepts(uncut));
            assertEquals(1, driver.transmitBurst(0, new Packet[] {uncut}, 0, 1));
            assertEquals(1, device.queue(1).dequeueBurst(pool, packets, 0, 4));
            assertEquals(word, packets[0].offload());
            assertEquals(1, device.queue(0).enqueueBurst(packets, 0, 1));
            packets[0].release();
            assertEquals(1, driver.receiveBurst(0, packets, 0, 4));
            assertEquals(word, packets[0].offload());
            packets[0].release();
            assertEquals(0, driver.transmitDropped(0));
        }
    }
}
