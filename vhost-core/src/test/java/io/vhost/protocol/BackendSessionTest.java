package io.vhost.protocol;

import static io.vhost.protocol.RawPeer.NEED_REPLY;
import static io.vhost.protocol.RawPeer.PLAIN;
import static io.vhost.protocol.RawPeer.message;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.app.Await;
import io.vhost.control.DeviceControl;
import io.vhost.device.DeviceListener;
import io.vhost.device.ProtocolFeature;
import io.vhost.device.VhostConfig;
import io.vhost.device.VhostDevice;
import io.vhost.os.Descriptor;
import io.vhost.os.LingeringSocket;
import io.vhost.os.UnixSocket;
import io.vhost.state.MemoryRegion;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a well-behaved front-end sees. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class BackendSessionTest {
    private static final long PROTOCOL_FEATURES = 1L << 30;
    private static final long VERSION_1 = 1L << 32;
    private static final long MQ_REPLY_ACK_STATUS = 1 | 1 << 3 | 1 << 16;

    private int descriptorsBefore;

    @BeforeEach
    void countDescriptors() {
        descriptorsBefore = Descriptor.openDescriptors();
    }

    @AfterEach
    void noDescriptorIsLeft() {
        Await.until("all are closed", () -> Descriptor.openDescriptors() == descriptorsBefore);
    }

    @Test
    void aFrontEndSendsItsMessagesInTheOrderOfVirtioUser() {
        try (BackendFixture backend = new BackendFixture()) {
            RawPeer peer = backend.peer;
            peer.send(3, PLAIN);
            long offered = backend.ask(1);
            assertEquals(PROTOCOL_FEATURES | VERSION_1, offered & (PROTOCOL_FEATURES | VERSION_1));
            assertEquals(MQ_REPLY_ACK_STATUS, backend.ask(15) & MQ_REPLY_ACK_STATUS);
            peer.send(16, PLAIN, MQ_REPLY_ACK_STATUS);
            for (long ring = 0; ring < 2; ring++) {
                peer.sendWithFiles(message(13, PLAIN, ring), 1);
            }
            peer.send(2, PLAIN, PROTOCOL_FEATURES | VERSION_1);
            assertEquals(0, backend.ack(39, 0xBL));
            assertEquals(0xB, backend.ask(40));
            long address = 0x7F00_0000_0000L;
            byte[] table = message(5, NEED_REPLY, 1, 0, address, 4096L, address, 0L);
            assertEquals(0, backend.ack(table, 1));
            for (int ring = 0; ring < 2; ring++) {
                peer.send(8, PLAIN, ring, 64);
                peer.send(10, PLAIN, ring, 0);
                peer.send(9, PLAIN, ring, 0, address, address + 2048, address + 1024, 0L);
                peer.sendWithFiles(message(12, PLAIN, (long) ring), 1);
            }
            peer.send(18, PLAIN, 0, 1);
            peer.send(18, PLAIN, 1, 1);
            peer.send(18, PLAIN, 0, 0);
            assertEquals(1, backend.ask(11, 1, 0), "ring and base");
            assertEquals(List.of(), backend.log.records());
        }
    }

    /** What waits to be read is closed by whoever ends the connection, and that can take for ever. */
    @Test
    void whoStopsASessionDoesNotWaitForWhatTheFrontEndHasSent() throws Exception {
        CountDownLatch sent = new CountDownLatch(1);
        DeviceListener waits = new DeviceListener() {
            @Override
            public void newConnection(VhostDevice device) {
                awaitUninterrupted(sent);
            }
        };
        try (BackendFixture backend = new BackendFixture(waits);
                LingeringSocket lingering = new LingeringSocket()) {
            int[] tooMany = new int[UnixSocket.MAX_RECEIVED_DESCRIPTORS + 4];
            Arrays.fill(tooMany, lingering.fd());
            backend.peer.sendBytes(message(99, PLAIN));
            backend.peer.sendBytes(message(99, PLAIN), tooMany);
            lingering.leave();
            sent.countDown();
            backend.log.await(1);
            backend.session.stop();
            backend.session.stop();
        }
    }

    private static void awaitUninterrupted(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** Whoever sends on the answer finds a device that the application knows. */
    @Test
    void theApplicationHearsOfADeviceBeforeTheFrontEndDoes() throws Exception {
        CompletableFuture<BackendFixture> connected = new CompletableFuture<>();
        CompletableFuture<Boolean> answered = new CompletableFuture<>();
        DeviceListener listener = new DeviceListener() {
            @Override
            public void newDevice(VhostDevice device) {
                answered.complete(connected.join().hasAnswer());
            }
        };
        try (BackendFixture backend = new BackendFixture(VhostConfig.defaults(), listener)) {
            connected.complete(backend);
            backend.peer.send(16, PLAIN, backend.ask(15) & ~ProtocolFeature.STATUS.mask());
            backend.peer.send(2, PLAIN, PROTOCOL_FEATURES | VERSION_1);
            backend.mapMemory();
            for (int ring = 0; ring < 2; ring++) {
                backend.describeRing(ring);
                assertEquals(0, backend.ack(12, ring | 0x100L));
            }
            assertEquals(0, backend.ack(18, 0, 1));
            backend.peer.send(18, NEED_REPLY, 1, 1);
            assertFalse(answered.get());
            assertEquals(18, backend.peer.receive().id());
        }
    }

    @Test
    void theUpperHalfOfAGetVringBaseRequestMayBeGarbage() {
        try (BackendFixture backend = BackendFixture.negotiated()) {
            assertEquals(0, backend.ack(10, 3, 5));
            assertEquals(3 | 5L << 32, backend.ask(11, 3, 0xDEADBEEF));
        }
    }

    @Test
    void theNumberOfQueuesIsCountedInPairs() {
        try (BackendFixture backend = new BackendFixture()) {
            assertEquals(BackendFixture.QUEUES / 2, backend.ask(17));
        }
    }

    @ParameterizedTest
    @EnumSource(ProtocolFeature.class)
    void everyProtocolFeatureCanBeLeftOut(ProtocolFeature feature) {
        VhostConfig config = VhostConfig.builder().without(feature).build();
        try (BackendFixture backend = new BackendFixture(config, new DeviceListener() {})) {
            assertEquals(VhostConfig.SUPPORTED_PROTOCOL & ~feature.mask(), backend.ask(15));
            backend.peer.send(16, PLAIN, feature.mask());
            assertTrue(backend.closedBecause().contains("which were not offered"));
        }
    }

    @Test
    void aMessageWithAnAnswerOfItsOwnIsNeverAcknowledged() {
        try (BackendFixture backend = BackendFixture.negotiated()) {
            backend.peer.send(1, NEED_REPLY);
            backend.peer.send(17, NEED_REPLY);
            assertEquals(1, backend.peer.receive().id());
            assertEquals(17, backend.peer.receive().id());
        }
    }

    @Test
    void nothingIsAcknowledgedUnlessBothEndsKnowHow() {
        try (BackendFixture backend = new BackendFixture()) {
            backend.peer.send(3, NEED_REPLY);
            backend.ask(1);
        }
    }

    @Test
    void theMessageThatNegotiatesAcknowledgementsCanBeAcknowledged() {
        try (BackendFixture backend = new BackendFixture()) {
            assertEquals(0, backend.ack(16, MQ_REPLY_ACK_STATUS));
        }
    }

    @Test
    void eventfdsAreReplacedAndTakenAway() {
        try (BackendFixture backend = BackendFixture.negotiated()) {
            backend.mapMemory();
            backend.describeRing(1);
            for (int id : List.of(12, 13, 14, 12, 13, 14)) {
                assertEquals(0, backend.ack(message(id, NEED_REPLY, 1L), 1), Request.name(id));
            }
            for (int id : List.of(12, 13, 14)) {
                assertEquals(0, backend.ack(message(id, NEED_REPLY, 1L | 0x100), 0), Request.name(id));
                assertEquals(1, backend.ack(message(id, NEED_REPLY, 1L | 0x100), 1), "one that is not there");
                assertEquals(1, backend.ack(message(id, NEED_REPLY, 1L), 0), "none where one belongs");
                assertEquals(1, backend.ack(message(id, NEED_REPLY, 1L), 2), "one too many");
            }
        }
    }

    @Test
    void messagesMayArriveInAnyPieces() {
        try (BackendFixture backend = new BackendFixture()) {
            byte[] two = RawPeer.bytes(message(10, PLAIN, 2, 9), message(11, PLAIN, 2, 0));
            for (byte piece : two) {
                backend.peer.sendBytes(new byte[] {piece});
            }
            backend.peer.sendBytes(two);
            assertEquals(2 | 9L << 32, backend.peer.receive().u64());
            assertEquals(2 | 9L << 32, backend.peer.receive().u64());
        }
    }

    @Test
    void descriptorsMayComeWithThePayload() {
        try (BackendFixture backend = BackendFixture.negotiated()) {
            byte[] call = message(13, NEED_REPLY, 0L);
            backend.peer.sendBytes(Arrays.copyOf(call, 12));
            backend.peer.sendWithEventFd(Arrays.copyOfRange(call, 12, 20));
            assertEquals(0, backend.peer.receive().u64());
        }
    }

    /** Rings that are not in a new table stop, and it is the device's table all the same. */
    @Test
    void whatARefusedRequestHasChangedIsPublishedBeforeTheAnswer() {
        try (BackendFixture backend = new BackendFixture()) {
            RawPeer peer = backend.peer;
            peer.send(16, PLAIN, MQ_REPLY_ACK_STATUS);
            peer.send(2, PLAIN, PROTOCOL_FEATURES | VERSION_1);
            long address = 0x7F00_0000_0000L;
            assertEquals(0, backend.ack(message(5, NEED_REPLY, 1, 0, address, 4096L, address, 0L), 1));
            peer.send(8, PLAIN, 0, 64);
            peer.send(9, PLAIN, 0, 0, address, address + 2048, address + 1024, 0L);
            peer.sendWithFiles(message(12, PLAIN, 0L), 1);
            assertEquals(1, backend.ack(message(5, NEED_REPLY, 1, 0, 0L, 4096L, 0L, 0L), 1));
            assertEquals(List.of(new MemoryRegion(0, 0, 4096, 0)),
                    backend.device.device().snapshot().regions());
        }
    }

    @Test
    void aLogIsToldBySizeAndThenByOffset() {
        try (BackendFixture backend = new BackendFixture()) {
            backend.peer.send(16, PLAIN, 1L << 1);
            backend.peer.sendWithFiles(message(6, PLAIN, 64L, 128L), 1);
            assertEquals("id=6 flags=5 size=8 descriptors=0", backend.peer.receive().head());
            assertEquals(64, backend.device.device().snapshot().logBytes());
        }
    }

    @Test
    void resetOwnerKeepsTheConnection() {
        try (BackendFixture backend = BackendFixture.negotiated()) {
            assertEquals(0, backend.ack(4));
            assertEquals(0, backend.ack(10, 0, 0));
        }
    }

    @Test
    void theDeviceIsToldOfTheConnectionAndItsEnd() {
        List<String> calls = new ArrayList<>();
        DeviceListener listener = new DeviceListener() {
            @Override
            public void newConnection(VhostDevice device) {
                calls.add("connected");
            }

            @Override
            public void destroyConnection(VhostDevice device) {
                calls.add("disconnected");
            }
        };
        BackendFixture backend = new BackendFixture(listener);
        backend.ask(1);
        backend.close();
        assertEquals(List.of("connected", "disconnected"), calls);
        assertEquals(List.of(), backend.log.records());
    }

    @Test
    void stoppingWakesASessionThatWaitsForAMessage() {
        try (BackendFixture backend = new BackendFixture()) {
            backend.ask(1);
            backend.session.stop();
            backend.session.stop();
            backend.join();
            backend.session.stop();
            assertEquals(List.of(), backend.log.records());
        }
    }

    @Test
    void stoppingWakesASessionWhosePeerDoesNotReadItsAnswers() {
        try (BackendFixture backend = new BackendFixture()) {
            byte[] flood = new byte[64 * 1024];
            byte[] one = message(1, PLAIN);
            for (int at = 0; at + one.length <= flood.length; at += one.length) {
                System.arraycopy(one, 0, flood, at, one.length);
            }
            backend.peer.sendBytes(flood);
            backend.session.stop();
            backend.join();
        }
    }

    @Test
    void aSessionThatIsStoppedBeforeItBeginsCallsNothing() {
        List<String> calls = new ArrayList<>();
        DeviceListener listener = new DeviceListener() {
            @Override
            public void newConnection(VhostDevice device) {
                calls.add("connected");
            }

            @Override
            public void destroyConnection(VhostDevice device) {
                calls.add("disconnected");
            }
        };
        UnixSocket[] ends = UnixSocket.pair();
        RecordingLogger log = new RecordingLogger();
        try (RawPeer peer = new RawPeer(ends[0])) {
            DeviceControl device = DeviceControl.create("test", VhostConfig.defaults(), listener);
            BackendSession session = new BackendSession("test", ends[1], device, new WarningLimiter(log));
            session.stop();
            session.run();
            assertNull(peer.receive());
        }
        assertEquals(List.of(), calls);
        assertEquals(List.of(), log.records());
    }
}
