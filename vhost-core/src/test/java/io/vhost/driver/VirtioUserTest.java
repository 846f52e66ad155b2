package io.vhost.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.device.DeviceListener;
import io.vhost.device.Feature;
import io.vhost.device.ProtocolFeature;
import io.vhost.device.VhostConfig;
import io.vhost.device.VhostDevice;
import io.vhost.driver.DriverConfig.TransmitMode;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.os.Descriptor;
import io.vhost.os.Proc;
import io.vhost.os.UnixListener;
import io.vhost.queue.QueueSnapshot;
import io.vhost.ring.RingViolation;
import io.vhost.server.VhostServer;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Our driver with back-ends of every kind: good, poor, hostile, gone. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@SuppressWarnings("try")   // closing twice is allowed, and once is in the middle
class VirtioUserTest {
    private static final DriverConfig CONFIG =
            DriverConfig.defaults().withPackets(64, 2048, Integer.MAX_VALUE).withQueues(1, 16);
    private static final long MODERN =
            Feature.mask(Feature.VIRTIO_F_VERSION_1, Feature.VHOST_USER_F_PROTOCOL_FEATURES);
    private static final long ACKNOWLEDGED =
            ProtocolFeature.mask(ProtocolFeature.REPLY_ACK, ProtocolFeature.STATUS);
    private static final int SIZE = 1000;

    @TempDir
    private Path directory;

    private Path path;
    private int descriptorsBefore;
    private final Packet[] packets = new Packet[64];

    @BeforeEach
    void countDescriptors() {
        path = directory.resolve("back.sock");
        descriptorsBefore = Descriptor.openDescriptors();
    }

    @AfterEach
    void nothingIsLeft() throws IOException {
        assertEquals(descriptorsBefore, Descriptor.openDescriptors(), "open descriptors");
        assertEquals(List.of(), Proc.mapsOf("virtio-user"), "mappings");
    }

    private String refused(DriverConfig config) {
        return assertThrows(IOException.class, () -> VirtioUser.connect(path, config)).getMessage();
    }

    private static void assertAllAreBack(VirtioUser driver) {
        assertEquals(driver.pool().size(), driver.pool().available(), "packets in the pool");
    }

    private Packet packet(VirtioUser driver, int size, int seed) {
        assertEquals(1, driver.pool().take(packets, 0, 1));
        packets[0].reset(size);
        for (int i = 0; i < size; i++) {
            packets[0].putByte(i, seed * 31 + i);
        }
        return packets[0];
    }

    private static void assertPattern(Packet packet, int size, int seed) {
        assertEquals(size, packet.length());
        for (int i = 0; i < size; i++) {
            assertEquals((byte) (seed * 31 + i), (byte) packet.byteAt(i), "byte " + i);
        }
    }

    @Test
    void nobodyThereIsExplained() {
        String text = refused(CONFIG);
        assertTrue(text.contains(path.toString()) && text.contains("start the listening side first"), text);
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 5, 8, 9, 10, 12, 13, 18, 39})
    void aRefusalEndsTheAttemptAndNamesTheMessage(int id) throws IOException {
        try (ScriptedBackEnd _ = new ScriptedBackEnd(path, MODERN, ACKNOWLEDGED).answer(id, 1).start()) {
            String text = refused(CONFIG);
            assertTrue(text.startsWith("the back-end refused S") && text.endsWith(": result=1"), text);
        }
    }

    @Test
    void aBackEndMayGoAfterAnyMessage() throws Exception {
        int survived = 0;
        for (int messages = 0; survived == 0; messages++) {
            byte[] garbage = "HTTP/1.1 400 Bad Request\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
            byte[] words = messages % 2 == 0 ? garbage : new byte[0];
            try (ScriptedBackEnd _ = new ScriptedBackEnd(path, MODERN, ACKNOWLEDGED)
                    .leaveAfter(messages, words).start()) {
                try (VirtioUser driver = VirtioUser.connect(path, CONFIG)) {
                    survived = messages;
                    assertThrows(IOException.class, driver::stop);
                } catch (IOException expected) {
                    assertEquals(0, survived, expected::getMessage);
                }
            }
            assertEquals(descriptorsBefore, Descriptor.openDescriptors(), "open descriptors");
        }
        assertTrue(survived > 15, () -> "with fewer messages than a handshake has");
    }

    @Test
    void aBackEndThatDoesNotAnswerIsGivenUp() throws Exception {
        DriverConfig impatient = new DriverConfig(1, 16, DriverConfig.SUPPORTED, 64, 2048, 2048,
                TransmitMode.ONE_BUFFER, Duration.ofMillis(1));
        try (UnixListener _ = UnixListener.bind(path)) {
            String text = refused(impatient);
            assertTrue(text.contains("GET_FEATURES") && text.contains("nothing came in time"), text);
        }
    }

    @Test
    void tooFewQueuePairsAreNamed() throws Exception {
        for (long protocol : new long[] {ACKNOWLEDGED, ACKNOWLEDGED | ProtocolFeature.MQ.mask()}) {
            try (ScriptedBackEnd _ = new ScriptedBackEnd(path, MODERN, protocol).start()) {
                assertEquals("the back-end has 1 queue pairs, 3 are wanted",
                        refused(CONFIG.withQueues(3, 16)));
            }
        }
    }

    @Test
    void aBackEndThatGoesUnderTrafficIsNoticedWhenAskedFor() throws IOException {
        try (ScriptedBackEnd backEnd = new ScriptedBackEnd(path, MODERN, ACKNOWLEDGED).start();
                VirtioUser driver = VirtioUser.connect(path, CONFIG)) {
            assertEquals(1, driver.transmitBurst(0, new Packet[] {packet(driver, SIZE, 1)}, 0, 1));
            assertTrue(driver.isConnected());
            backEnd.leave();
            while (driver.isConnected()) {
                Thread.onSpinWait();
            }
            assertEquals(0, driver.receiveBurst(0, packets, 0, 4));
            assertEquals(1, driver.transmitBurst(0, new Packet[] {packet(driver, SIZE, 2)}, 0, 1));
            assertThrows(IOException.class, driver::stop);
            assertThrows(IOException.class, driver::start);
            driver.close();
            assertFalse(driver.isConnected());
            assertEquals("the driver is closed: connect anew",
                    assertThrows(IllegalStateException.class, driver::start).getMessage());
            assertThrows(IllegalStateException.class, () -> driver.receiveBurst(0, packets, 0, 1));
            driver.stop();
            driver.close();
        }
    }

    @Test
    void aStartThatIsRefusedHasTakenNoPacketAndMayBeRepeated() throws IOException {
        try (ScriptedBackEnd backEnd = new ScriptedBackEnd(path, MODERN, ACKNOWLEDGED).start();
                VirtioUser driver = VirtioUser.connect(path, CONFIG)) {
            driver.stop();
            assertAllAreBack(driver);
            for (int id : new int[] {5, 8, 12, 18, 39}) {
                backEnd.answer(id, 1);
                assertThrows(IOException.class, driver::start);
                assertAllAreBack(driver);
                assertThrows(IllegalStateException.class, () -> driver.receiveBurst(0, packets, 0, 1));
                backEnd.answer(id, 0);
            }
            driver.start();
            assertEquals(driver.pool().size() - 16, driver.pool().available());
        }
    }

    @Test
    void aBackEndWithoutPackedRingsIsUsedWithSplitOnes() throws IOException {
        try (ScriptedBackEnd _ = new ScriptedBackEnd(path, MODERN, ACKNOWLEDGED).start();
                VirtioUser driver = VirtioUser.connect(path, CONFIG.withPackedRings())) {
            assertFalse(driver.has(Feature.VIRTIO_F_RING_PACKED));
            assertEquals(1, driver.transmitBurst(0, new Packet[] {packet(driver, SIZE, 1)}, 0, 1));
        }
    }

    @Test
    void aSizeThatOnlyPackedRingsHaveIsRefusedWhereThereAreNone() throws IOException {
        try (ScriptedBackEnd _ = new ScriptedBackEnd(path, MODERN, ACKNOWLEDGED).start()) {
            assertEquals("the back-end has split rings only, and the size of one is a power of two from 1 to"
                    + " 32768: 3 is not", refused(CONFIG.withPackedRings().withQueues(1, 3)));
        }
    }

    /** Split or packed, asked for or in place of what the back-end cannot do. */
    @ParameterizedTest
    @EnumSource(TransmitMode.class)
    void aRingOfOneEntryIsRefusedWherePacketsTakeTwo(TransmitMode mode) throws IOException {
        long none = Feature.VHOST_USER_F_PROTOCOL_FEATURES.mask();
        long both = MODERN | Feature.VIRTIO_F_INDIRECT_DESC.mask();
        DriverConfig one = CONFIG.withPackedRings().withTransmitMode(mode).withQueues(1, 1);
        for (long features : new long[] {none, none | Feature.VIRTIO_F_RING_PACKED.mask(), both}) {
            try (ScriptedBackEnd _ = new ScriptedBackEnd(path, features, ACKNOWLEDGED).start()) {
                if (features == both && mode != TransmitMode.CHAINED) {
                    VirtioUser.connect(path, one).close();
                } else {
                    String text = assertThrows(IOException.class,
                            () -> VirtioUser.connect(path, one).close()).getMessage();
                    assertTrue(text.endsWith("a ring of 1 entry never has room for it"), text);
                }
            }
        }
    }

    /** How many descriptors of a ring of 16 a packet takes tells how it lies there. */
    @ParameterizedTest
    @EnumSource(TransmitMode.class)
    void packetsAreLaidOutAsTheFeaturesAllow(TransmitMode mode) throws Exception {
        long none = Feature.VHOST_USER_F_PROTOCOL_FEATURES.mask();
        assertEquals(8, transmitted(mode, none));
        assertEquals(mode == TransmitMode.INDIRECT ? 16 : 8,
                transmitted(mode, none | Feature.VIRTIO_F_INDIRECT_DESC.mask()));
        int oneBuffer = mode == TransmitMode.ONE_BUFFER ? 16 : 8;
        assertEquals(oneBuffer, transmitted(mode, none | Feature.VIRTIO_F_ANY_LAYOUT.mask()));
        assertEquals(oneBuffer, transmitted(mode, MODERN));
        assertEquals(oneBuffer, transmitted(mode, MODERN | Feature.VIRTIO_F_RING_PACKED.mask()));
        assertEquals(mode == TransmitMode.CHAINED ? 8 : 16, transmitted(mode,
                MODERN | Feature.mask(Feature.VIRTIO_F_RING_PACKED, Feature.VIRTIO_F_INDIRECT_DESC)));
    }

    private int transmitted(TransmitMode mode, long features) throws IOException {
        try (ScriptedBackEnd _ = new ScriptedBackEnd(path, features, ACKNOWLEDGED).start();
                VirtioUser driver = VirtioUser.connect(
                        path, CONFIG.withPackedRings().withTransmitMode(mode))) {
            int count = driver.pool().take(packets, 0, 20);
            for (int i = 0; i < count; i++) {
                packets[i].reset(SIZE);
            }
            return driver.transmitBurst(0, packets, 0, count);
        }
    }

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
        BlockingQueue<VhostDevice> devices = new LinkedBlockingQueue<>();
        DeviceListener listener = new DeviceListener() {
            @Override
            public void newDevice(VhostDevice device) {
                devices.add(device);
            }
        };
        VhostConfig offered = VhostConfig.builder().queuePairs(config.queuePairs()).build();
        try (VhostServer _ = VhostServer.listen(path, offered, listener);
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
        BlockingQueue<VhostDevice> devices = new LinkedBlockingQueue<>();
        DeviceListener listener = new DeviceListener() {
            @Override
            public void newDevice(VhostDevice device) {
                devices.add(device);
            }
        };
        DriverConfig config = packed ? CONFIG.withPackedRings() : CONFIG;
        VhostConfig offered = VhostConfig.builder().queuePairs(2).build();
        try (VhostServer _ = VhostServer.listen(path, offered, listener);
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
    void aPacketThatIsWithTheDeviceIsNamedAndWhatCameBeforeItIsSent() throws Exception {
        BlockingQueue<VhostDevice> devices = new LinkedBlockingQueue<>();
        DeviceListener listener = new DeviceListener() {
            @Override
            public void newDevice(VhostDevice device) {
                devices.add(device);
            }
        };
        try (VhostServer _ = VhostServer.listen(path, VhostConfig.defaults(), listener);
                PacketPool pool = PacketPool.create(4, 2048);
                VirtioUser driver = VirtioUser.connect(path, CONFIG)) {
            VhostDevice device = devices.take();
            Packet packet = packet(driver, SIZE, 1);
            Packet[] twice = {packet, packet};
            String text = assertThrows(IllegalArgumentException.class,
                    () -> driver.transmitBurst(0, twice, 0, 2)).getMessage();
            assertTrue(text.startsWith("packets[1]") && text.endsWith("(1 before it were sent)"), text);
            assertEquals(1, device.queue(1).dequeueBurst(pool, packets, 0, 4));
            assertPattern(packets[0], SIZE, 1);
            packets[0].release();
        }
    }

    /** The largest id, in the first place of the ring. */
    private static void useWhatIsNotOut(QueueSnapshot queue) {
        if (queue.isPacked()) {
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

    @Test
    void configurationsOutOfRangeAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> CONFIG.withQueues(0, 16));
        assertThrows(IllegalArgumentException.class, () -> CONFIG.withQueues(129, 16));
        assertThrows(IllegalArgumentException.class, () -> CONFIG.withQueues(1, 3));
        assertThrows(IllegalArgumentException.class, () -> CONFIG.withQueues(1, 65536));
        assertThrows(IllegalArgumentException.class,
                () -> CONFIG.withPackedRings().withQueues(1, 3).without(Feature.VIRTIO_F_RING_PACKED));
        assertThrows(IllegalArgumentException.class, () -> CONFIG.withPackedRings().withQueues(1, 32769));
        assertThrows(IllegalArgumentException.class, () -> CONFIG.withFeatures(1L << 33));
        assertThrows(IllegalArgumentException.class, () -> CONFIG.withPackets(0, 2048, 2048));
        assertThrows(IllegalArgumentException.class, () -> CONFIG.withPackets(1, 128, 2048));
        assertThrows(IllegalArgumentException.class, () -> CONFIG.withPackets(1, Integer.MAX_VALUE, 2048));
        assertThrows(IllegalArgumentException.class, () -> CONFIG.withPackets(1, 2048, 12));
        for (Duration none : List.of(Duration.ZERO, Duration.ofMillis(-1))) {
            assertThrows(IllegalArgumentException.class, () -> new DriverConfig(
                    1, 16, 0, 64, 2048, 2048, TransmitMode.CHAINED, none));
        }
    }
}
