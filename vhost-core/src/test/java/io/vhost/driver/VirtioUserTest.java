package io.vhost.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.device.Feature;
import io.vhost.device.ProtocolFeature;
import io.vhost.driver.DriverConfig.TransmitMode;
import io.vhost.net.Packet;
import io.vhost.os.Descriptor;
import io.vhost.os.UnixListener;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Our driver with back-ends of every kind: good, poor, hostile, gone. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@SuppressWarnings("try")   // closing twice is allowed, and once is in the middle
class VirtioUserTest extends VirtioUserFixture {
    private static final long ACKNOWLEDGED =
            ProtocolFeature.mask(ProtocolFeature.REPLY_ACK, ProtocolFeature.STATUS);

    private String refused(DriverConfig config) {
        return assertThrows(IOException.class, () -> VirtioUser.connect(path, config)).getMessage();
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
                TransmitMode.ONE_BUFFER, Duration.ofMillis(1), false);
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
            assertThrows(IllegalStateException.class, () -> driver.reclaim(0));
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
                    1, 16, 0, 64, 2048, 2048, TransmitMode.CHAINED, none, false));
        }
    }
}
