package io.vhost.protocol;

import static io.vhost.protocol.RawPeer.NEED_REPLY;
import static io.vhost.protocol.RawPeer.PLAIN;
import static io.vhost.protocol.RawPeer.REPLY;
import static io.vhost.protocol.RawPeer.bytes;
import static io.vhost.protocol.RawPeer.message;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.device.ProtocolFeature;
import io.vhost.os.Descriptor;
import io.vhost.os.EventFd;
import io.vhost.os.MemFd;
import io.vhost.os.UnixListener;
import io.vhost.os.UnixSocket;
import io.vhost.state.MemoryRegion;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The peer's answers lie in the socket before the question is asked, so one thread plays both ends. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class FrontendSessionTest {
    private static final long PROTOCOL_FEATURES = 1L << 30;
    private static final long ALL = ProtocolFeature.mask(ProtocolFeature.values());
    private static final long MQ_REPLY_ACK_STATUS = 0x10009;
    /** Long enough never to pass where an answer comes. */
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private int descriptorsBefore;
    private RawPeer peer;
    private FrontendSession session;

    @BeforeEach
    void connect() {
        descriptorsBefore = Descriptor.openDescriptors();
        connect(PATIENCE);
    }

    private void connect(Duration timeout) {
        UnixSocket[] ends = UnixSocket.pair();
        peer = new RawPeer(ends[0]);
        session = new FrontendSession(ends[1], timeout);
    }

    @AfterEach
    void noDescriptorIsLeft() {
        session.close();
        session.close();
        peer.close();
        assertEquals(descriptorsBefore, Descriptor.openDescriptors(), "open descriptors");
    }

    /** Answers a handshake and reads the questions. */
    private void handshake(long protocolFeatures) throws IOException {
        peer.send(1, REPLY, PROTOCOL_FEATURES | 1L << 32);
        peer.send(15, REPLY, protocolFeatures);
        peer.send(17, REPLY, 2L);
        session.handshake(ALL);
        peer.expect(message(3, PLAIN), message(1, PLAIN), message(15, PLAIN),
                message(16, PLAIN, protocolFeatures & ALL));
        if ((protocolFeatures & 1) != 0) {
            peer.expect(message(17, PLAIN));
        }
    }

    @Test
    void theHandshakeAgreesOnWhatBothEndsKnow() throws Exception {
        handshake(MQ_REPLY_ACK_STATUS | 1L << 40);
        assertEquals(MQ_REPLY_ACK_STATUS, session.protocolFeatures());
        assertEquals(2, session.queuePairs());
    }

    @Test
    void aBackEndWithoutProtocolFeaturesIsAskedForNothingMore() throws Exception {
        peer.send(1, REPLY, 1L << 32);
        assertEquals(1L << 32, session.handshake(ALL));
        peer.expect(message(3, PLAIN), message(1, PLAIN));
        assertEquals(1, session.queuePairs());
        assertThrows(IllegalStateException.class, () -> session.status(1));
    }

    @Test
    void everyMessageHasTheSpecifiedBytes() throws Exception {
        handshake(MQ_REPLY_ACK_STATUS);
        for (int id : new int[] {2, 8, 9, 10, 18, 39, 12, 13, 14}) {
            peer.send(id, REPLY, 0L);
        }
        session.features(1L << 32);
        session.ringSize(1, 256);
        session.ringAddresses(1, 0xD000, 0xA000, 0xB000, 0xC000, 1);
        session.ringBase(1, 0x1234);
        session.enable(1, true);
        session.status(0xF);
        session.kick(1, null);
        session.call(1, null);
        session.error(1, null);
        peer.expect(message(2, NEED_REPLY, 1L << 32),
                message(8, NEED_REPLY, 1, 256),
                message(9, NEED_REPLY, 1, 1, 0xD000L, 0xB000L, 0xA000L, 0xC000L),
                message(10, NEED_REPLY, 1, 0x1234),
                message(18, NEED_REPLY, 1, 1),
                message(39, NEED_REPLY, 0xFL),
                message(12, NEED_REPLY, 0x101L),
                message(13, NEED_REPLY, 0x101L),
                message(14, NEED_REPLY, 0x101L));
        peer.send(11, REPLY, 1, 77);
        peer.send(40, REPLY, 0xFL);
        assertEquals(77, session.stopRing(1));
        assertEquals(0xF, session.status());
        peer.expect(message(11, PLAIN, 1, 0), message(40, PLAIN));
    }

    @Test
    void descriptorsTravelAndStayTheCallers() throws Exception {
        handshake(MQ_REPLY_ACK_STATUS);
        try (Descriptor first = MemFd.create("first", 4096);
                Descriptor second = MemFd.create("second", 4096)) {
            for (int id : new int[] {5, 12, 13, 14}) {
                peer.send(id, REPLY, 0L);
            }
            session.memory(List.of(new MemoryRegion(0x1000, 0x2000, 0x3000, 0x4000),
                    new MemoryRegion(0x5000, 0x6000, 0x7000, 0x8000)), List.of(first, second));
            session.kick(0, first);
            session.call(0, first);
            session.error(0, first);
            RawPeer.Answer table = peer.receive();
            assertEquals("id=5 flags=9 size=72 descriptors=2", table.head());
            for (int id : new int[] {12, 13, 14}) {
                assertEquals("id=" + id + " flags=9 size=8 descriptors=1", peer.receive().head());
            }
            assertTrue(first.isOpen() && second.isOpen());
        }
    }

    @Test
    void aMemoryTableHasTheSpecifiedBytes() throws Exception {
        try (Descriptor file = MemFd.create("file", 4096)) {
            session.memory(List.of(new MemoryRegion(0x1000, 0x2000, 0x3000, 0x4000)), List.of(file));
            peer.expect(message(5, PLAIN, 1, 0, 0x1000L, 0x3000L, 0x2000L, 0x4000L));
        }
    }

    @Test
    void aRefusalNamesTheMessageAndLeavesTheSessionUsable() throws Exception {
        handshake(MQ_REPLY_ACK_STATUS);
        peer.send(8, REPLY, 1L);
        peer.send(8, REPLY, 0L);
        assertText("the back-end refused SET_VRING_NUM: result=1", () -> session.ringSize(0, 3));
        session.ringSize(0, 4);
    }

    @ParameterizedTest
    @CsvSource({
        "2, 5, 8, SET_FEATURES flags=0x5 size=8 descriptors=0",
        "11, 1, 8, GET_VRING_BASE flags=0x1 size=8 descriptors=0",
        "11, 13, 8, GET_VRING_BASE flags=0xd size=8 descriptors=0",
        "11, 5, 0, GET_VRING_BASE flags=0x5 size=0 descriptors=0",
        "11, 5, 12, GET_VRING_BASE flags=0x5 size=12 descriptors=0",
        "99, 5, 8, request 99 flags=0x5 size=8 descriptors=0"})
    void aWrongAnswerBreaksTheSession(int id, int flags, int size, String answer) {
        peer.send(id, flags, new byte[size]);
        String text = "the answer to GET_VRING_BASE is " + answer
                + ", must be GET_VRING_BASE flags=0x5 size=8 descriptors=0";
        assertText(text, () -> session.stopRing(0));
        assertText("SET_VRING_NUM not sent: the session is broken since " + text,
                () -> session.ringSize(0, 4));
    }

    @Test
    void anAnswerWithDescriptorsBreaksTheSession() {
        peer.sendWithFiles(message(11, REPLY, 0, 0), 2);
        assertText("the answer to GET_VRING_BASE is GET_VRING_BASE flags=0x5 size=8 descriptors=2, must be"
                + " GET_VRING_BASE flags=0x5 size=8 descriptors=0", () -> session.stopRing(0));
    }

    @Test
    void anAnswerForAnotherRingBreaksTheSession() {
        peer.send(11, REPLY, 1, 5);
        assertText("GET_VRING_BASE of ring 0 answered for ring 1", () -> session.stopRing(0));
    }

    @Test
    void answersOutOfRangeAreReported() throws Exception {
        peer.send(1, REPLY, PROTOCOL_FEATURES);
        peer.send(15, REPLY, 1L);
        peer.send(17, REPLY, 129L);
        assertText("GET_QUEUE_NUM answered 129, must be 1..128", () -> session.handshake(ALL));
        session.close();
        peer.close();
        connect(PATIENCE);
        handshake(MQ_REPLY_ACK_STATUS);
        peer.send(40, REPLY, 0x100L);
        assertText("GET_STATUS answered 0x100, which has more than 8 bits", () -> session.status());
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, 128, 129, -1})
    void thereAreOneTo128QueuePairs(long pairs) throws Exception {
        peer.send(1, REPLY, PROTOCOL_FEATURES);
        peer.send(15, REPLY, 1L);
        peer.send(17, REPLY, pairs);
        if (pairs >= 1 && pairs <= 128) {
            session.handshake(ALL);
            assertEquals(pairs, session.queuePairs());
        } else {
            assertText("GET_QUEUE_NUM answered " + Long.toUnsignedString(pairs) + ", must be 1..128",
                    () -> session.handshake(ALL));
        }
    }

    @Test
    void anInflightRegionForOtherQueuesBreaksTheSessionAndIsClosed() throws Exception {
        handshake(1L << 12 | 1);
        peer.sendWithFiles(message(31, REPLY, 4096L, 0L, 2 | 64 << 16, 0), 1);
        assertText("GET_INFLIGHT_FD for 4 queues of 64 entries answered for 2 of 64",
                () -> session.createInflight(4, 64));
    }

    /** So that a back-end which reads nothing is noticed, and none has more to read than that. */
    @Test
    void everySixtyFourthMessageWithoutAnAnswerIsFollowedByAQuestion() throws Exception {
        handshake(1L);
        for (int round = 0; round < 3; round++) {
            peer.send(1, REPLY, 0L);
            for (int i = 0; i < 64; i++) {
                session.ringBase(1, i);
                peer.expect(message(10, PLAIN, 1, i));
            }
            peer.expect(message(1, PLAIN));
        }
    }

    @Test
    void aBackEndThatDoesNotAnswerIsGivenUp() {
        session.close();
        peer.close();
        connect(Duration.ofMillis(1));
        assertText("no valid answer to GET_VRING_BASE: nothing came in time, after 0 bytes of a message",
                () -> session.stopRing(0));
    }

    @Test
    void aBackEndThatStopsInTheMiddleOfAnAnswerIsGivenUp() {
        session.close();
        peer.close();
        connect(Duration.ofMillis(100));
        peer.sendBytes(bytes(11, REPLY, 8, 0));
        assertText("no valid answer to GET_VRING_BASE: nothing came in time, after 16 bytes of a message",
                () -> session.stopRing(0));
    }

    @Test
    void aBackEndThatClosesIsReported() {
        peer.send(11, REPLY, 0, 5);
        peer.close();
        IOException failure = assertThrows(IOException.class, () -> session.stopRing(0));
        assertTrue(failure.getMessage().contains("EPIPE"), failure::getMessage);
    }

    @Test
    void aBackEndThatClosesInsteadOfAnAnswerIsReported() throws Exception {
        Thread closer = Thread.ofPlatform().start(() -> {
            peer.receive();
            peer.close();
        });
        assertText("the back-end closed the connection instead of an answer to GET_VRING_BASE",
                () -> session.stopRing(0));
        closer.join();
    }

    @Test
    void aPathWithoutABackEndIsReported(@TempDir Path directory) {
        Path path = directory.resolve("nobody.sock");
        IOException failure = assertThrows(IOException.class, () -> FrontendSession.connect(path, PATIENCE));
        assertTrue(failure.getMessage().contains(path.toString()), failure::getMessage);
    }

    @Test
    void aBackEndThatAcceptsNobodyIsGivenUp(@TempDir Path directory) {
        Path path = directory.resolve("busy.sock");
        try (UnixListener _ = UnixListener.bind(path, UnixListener.OWNER_ONLY, 1);
                UnixSocket _ = UnixSocket.connect(path);
                UnixSocket _ = UnixSocket.connect(path)) {
            IOException failure = assertThrows(IOException.class,
                    () -> FrontendSession.connect(path, Duration.ofMillis(1)));
            assertTrue(failure.getMessage().contains("EAGAIN"), failure::getMessage);
        }
    }

    @Test
    void featuresThatAreNotOfferedAreTheCallersMistake() throws Exception {
        handshake(MQ_REPLY_ACK_STATUS);
        assertThrows(IllegalArgumentException.class, () -> session.features(1L << 34));
        assertThrows(IllegalArgumentException.class, () -> session.memory(List.of(), List.of()));
    }

    /**
     * A socket holds some 200 messages: a peer that reads none of them must not be able to block the sender.
     */
    @Test
    void aPeerThatReadsNothingCannotBlockMessagesWithoutAnswers() {
        session.close();
        peer.close();
        connect(Duration.ofMillis(1));
        Executable endless = () -> {
            while (true) {
                session.ringSize(0, 4);
            }
        };
        String text = "no valid answer to GET_FEATURES: nothing came in time, after 0 bytes of a message";
        assertText(text, endless);
    }

    @Test
    void bothEndsUnderstandEachOther() throws Exception {
        try (BackendFixture backend = new BackendFixture();
                Descriptor file = MemFd.create("file", 4096);
                EventFd call = EventFd.create()) {
            FrontendSession frontend = backend.frontend(PATIENCE);
            frontend.handshake(ALL);
            assertEquals(BackendFixture.QUEUES / 2, frontend.queuePairs());
            frontend.call(0, call.descriptor());
            frontend.features(PROTOCOL_FEATURES);
            frontend.status(0xB);
            assertEquals(0xB, frontend.status());
            frontend.memory(List.of(new MemoryRegion(0x1000, 0x2000, 4096, 0)), List.of(file));
            frontend.ringSize(0, 64);
            frontend.ringBase(0, 9);
            assertText("the back-end refused SET_VRING_NUM: result=1", () -> frontend.ringSize(0, 3));
            assertEquals(9, frontend.stopRing(0));
            frontend.barrier();
        }
    }

    private static void assertText(String text, Executable call) {
        assertEquals(text, assertThrows(ProtocolException.class, call).getMessage());
    }
}
