package io.vhost.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.device.DeviceListener;
import io.vhost.device.Feature;
import io.vhost.device.VhostConfig;
import io.vhost.device.VhostDevice;
import io.vhost.driver.DriverConfig.TransmitMode;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.server.VhostServer;
import io.vhost.state.QueueSnapshot;
import io.vhost.state.RingViolation;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Packets between our driver and a back-end of ours, with rings of every kind. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class VirtioUserPacketsTest extends VirtioUserFixture {
    private final BlockingQueue<VhostDevice> devices = new LinkedBlockingQueue<>();

    /** Split and packed, and packed in sizes that split rings do not have. */
    static Stream<DriverConfig> kinds() {
        Stream<DriverConfig> odd = IntStream.of(1, 2, 3, 7, 13, 100).boxed().flatMap(size ->
                Stream.of(TransmitMode.values()).map(mode ->
                        CONFIG.withPackedRings().withTransmitMode(mode).withQueues(2, size)
                                .withPackets(300, 2048, Integer.MAX_VALUE)))
                // Header and packet are two descriptors.
                .filter(kind -> kind.queueSize() > 1 || kind.transmitMode() != TransmitMode.CHAINED);
        return Stream.concat(
                splitKinds().flatMap(kind -> Stream.of(kind, kind.withPackedRings())), odd);
    }

    private static Stream<DriverConfig> splitKinds() {
        return Stream.of(
                CONFIG,
                CONFIG.withFeatures(0),
                CONFIG.withFeatures(Feature.VIRTIO_F_VERSION_1.mask()),
                CONFIG.withFeatures(MODERN),
                CONFIG.without(Feature.VIRTIO_F_IN_ORDER),
                CONFIG.without(Feature.VIRTIO_F_EVENT_IDX),
                CONFIG.without(Feature.VIRTIO_NET_F_MRG_RXBUF),
                CONFIG.withTransmitMode(TransmitMode.CHAINED),
                CONFIG.withTransmitMode(TransmitMode.INDIRECT),
                CONFIG.withPackets(64, 2048, 200),
                CONFIG.withQueues(4, 8));
    }

    /**
     * Each packet goes to a back-end of ours and comes back, through every pair, before and after a restart.
     */
    @ParameterizedTest
    @MethodSource("kinds")
    void everyPacketComesBackAndEveryBufferIsAccountedFor(DriverConfig config) throws Exception {
        VhostConfig offered = VhostConfig.builder().queuePairs(config.queuePairs()).build();
        try (VhostServer _ = VhostServer.listen(path, offered, listener());
                PacketPool pool = PacketPool.create(4, 2048);
                VirtioUser driver = VirtioUser.connect(path, config)) {
            assertEquals(Feature.VIRTIO_F_RING_PACKED.in(config.features()),
                    driver.has(Feature.VIRTIO_F_RING_PACKED));
            for (int round = 0; round < 3; round++) {
                VhostDevice device = devices.take();
                for (int pair = 0; pair < config.queuePairs(); pair++) {
                    for (int seed = 0; seed < 40; seed++) {
                        echo(driver, device, pool, pair, 60 + 36 * seed, seed);
                    }
                }
                driver.stop();
                assertAllAreBack(driver);
                if (round < 2) {
                    driver.start();
                }
            }
            assertEquals(0, driver.receiveDropped(0));
        }
    }

    /**
     * The device claims a chain that nobody offered, in one queue after the other. That queue stands still,
     * the others go on, and the packets come back with the stop.
     */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aRingInWhichTheDeviceBreaksARuleGivesItsPacketsBackAndStartsAnew(boolean packed) throws Exception {
        DriverConfig config = packed ? CONFIG.withPackedRings() : CONFIG;
        VhostConfig offered = VhostConfig.builder().queuePairs(2).build();
        try (VhostServer _ = VhostServer.listen(path, offered, listener());
                PacketPool pool = PacketPool.create(4, 2048);
                VirtioUser driver = VirtioUser.connect(path, config.withQueues(2, 16))) {
            for (int queue = 0; queue < 4; queue++) {
                VhostDevice device = devices.take();
                assertNull(driver.violation());
                int pair = queue / 2;
                assertEquals(1, driver.transmitBurst(
                        pair, new Packet[] {packet(driver, SIZE, 1)}, 0, 1));
                useWhatIsNotOut(device.queue(queue).snapshot());
                driver.reclaim(pair);
                assertEquals(0, driver.receiveBurst(pair, packets, 0, 4));
                assertEquals(RingViolation.USED_ID_UNKNOWN, driver.violation());
                int available = driver.pool().available();
                driver.reclaim(pair);
                assertEquals(0, driver.receiveBurst(pair, packets, 0, 4));
                assertEquals(available, driver.pool().available(), "a stopped ring gives nothing back");
                echo(driver, device, pool, 1 - pair, SIZE, 2);
                driver.stop();
                assertAllAreBack(driver);
                driver.start();
            }
            assertNull(driver.violation());
            VhostDevice device = devices.take();
            echo(driver, device, pool, 0, SIZE, 3);
            echo(driver, device, pool, 1, SIZE, 4);
        }
    }

    @Test
    void aBurstWithAPacketThatCannotBeSentIsRefusedAsAWhole() throws Exception {
        try (VhostServer _ = VhostServer.listen(path, VhostConfig.defaults(), listener());
                PacketPool pool = PacketPool.create(4, 2048);
                VirtioUser driver = VirtioUser.connect(path, CONFIG)) {
            VhostDevice device = devices.take();
            Packet packet = packet(driver, SIZE, 1);
            Packet empty = driver.pool().take();
            Packet stale = driver.pool().take();
            stale.release();
            Packet foreign = pool.take();
            foreign.reset(60);
            assertRefused("packets[1] is null", driver, packet, null);
            assertRefused("packets[1] cannot be sent: packets[0] is the same", driver, packet, packet);
            assertRefused("packets[1] cannot be sent: Packet[", driver, packet, empty);
            assertRefused("packets[1] cannot be sent: Packet[", driver, packet, stale);
            assertRefused("packets[1] cannot be sent: it belongs to PacketPool@", driver, packet, foreign);
            foreign.release();
            empty.release();
            // What was refused can be released and used anew, and nothing of it is in the ring.
            packet.release();
            assertEquals(1, driver.transmitBurst(0, new Packet[] {packet(driver, SIZE, 2)}, 0, 1));
            assertEquals(1, device.queue(1).dequeueBurst(pool, packets, 0, 4));
            assertPattern(packets[0], SIZE, 2);
            packets[0].release();
        }
    }

    private static void assertRefused(String text, VirtioUser driver, Packet... burst) {
        String message = assertThrows(RuntimeException.class,
                () -> driver.transmitBurst(0, burst, 0, burst.length)).getMessage();
        assertTrue(message.startsWith(text), message);
    }

    /** From the burst that takes it until the device has read it. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aPacketThatIsWithTheDeviceCanNeitherBeSentAgainNorReleased(boolean packed) throws Exception {
        DriverConfig config = packed ? CONFIG.withPackedRings() : CONFIG;
        try (VhostServer _ = VhostServer.listen(path, VhostConfig.defaults(), listener());
                PacketPool pool = PacketPool.create(4, 2048);
                VirtioUser driver = VirtioUser.connect(path, config)) {
            VhostDevice device = devices.take();
            Packet packet = packet(driver, SIZE, 1);
            assertEquals(1, driver.transmitBurst(0, new Packet[] {packet}, 0, 1));
            assertTrue(packet.isInFlight());
            assertRefused("packets[0] cannot be sent: Packet[index=" + packet.index() + ", in flight]",
                    driver, packet);
            assertThrows(IllegalStateException.class, packet::release);
            assertThrows(IllegalStateException.class, () -> packet.reset(60));
            assertEquals(1, device.queue(1).dequeueBurst(pool, packets, 0, 4));
            assertPattern(packets[0], SIZE, 1);
            packets[0].release();
            driver.reclaim(0);
            assertFalse(packet.isInFlight());
            driver.stop();
            assertAllAreBack(driver);
        }
    }

    /** The largest id, in the first place of the ring. */
    static void useWhatIsNotOut(QueueSnapshot queue) {
        if (queue.packed()) {
            int usedOnTheFirstLap = 0x8080;
            area(queue.desc()).set(ValueLayout.JAVA_LONG, 8, 0xFFFFL << 32 | (long) usedOnTheFirstLap << 48);
        } else {
            area(queue.used()).set(ValueLayout.JAVA_INT, 4, 0xFFFF);
            VarHandle.releaseFence();
            area(queue.used()).set(ValueLayout.JAVA_SHORT, 2, (short) 1);
        }
    }

    @SuppressWarnings("restricted")
    private static MemorySegment area(QueueSnapshot.Area area) {
        return MemorySegment.ofAddress(area.mapped()).reinterpret(area.bytes());
    }

    private void echo(VirtioUser driver, VhostDevice device, PacketPool pool, int pair, int size, int seed) {
        assertEquals(1, driver.transmitBurst(pair, new Packet[] {packet(driver, size, seed)}, 0, 1));
        assertEquals(1, device.queue(2 * pair + 1).dequeueBurst(pool, packets, 0, 4));
        assertEquals(1, device.queue(2 * pair).enqueueBurst(packets, 0, 1));
        packets[0].release();
        assertEquals(1, driver.receiveBurst(pair, packets, 0, 4));
        assertPattern(packets[0], size, seed);
        packets[0].release();
        driver.reclaim(pair);
    }

    /** What is merged has to fit into the buffer of its first part: whole or not at all. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aMergedPacketThatIsTooLongIsDroppedWhole(boolean packed) throws Exception {
        DriverConfig config = CONFIG.withPackets(64, 1152, 200);
        try (VhostServer _ = VhostServer.listen(path, VhostConfig.defaults(), listener());
                PacketPool pool = PacketPool.create(4, 2048);
                VirtioUser driver =
                        VirtioUser.connect(path, packed ? config.withPackedRings() : config)) {
            VhostDevice device = devices.take();
            int most = packet(driver, 0, 0).tailroom();
            packets[0].release();
            for (int size : new int[] {most - 1, most, most + 1, most + 200, most}) {
                Packet packet = pool.take();
                packet.reset(size);
                for (int i = 0; i < size; i++) {
                    packet.putByte(i, size * 31 + i);
                }
                long dropped = driver.receiveDropped(0);
                assertEquals(1, device.queue(0).enqueueBurst(new Packet[] {packet}, 0, 1));
                packet.release();
                assertEquals(size > most ? 0 : 1, driver.receiveBurst(0, packets, 0, 4));
                assertEquals(dropped + (size > most ? 1 : 0), driver.receiveDropped(0));
                if (size <= most) {
                    assertPattern(packets[0], size, size);
                    packets[0].release();
                }
            }
            driver.stop();
            assertAllAreBack(driver);
        }
    }

    private DeviceListener listener() {
        return new DeviceListener() {
            @Override
            public void newDevice(VhostDevice device) {
                devices.add(device);
            }
        };
    }
}
