package io.vhost.os;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.app.Await;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Peers that send sockets whose close takes as long as they like: nobody waits for it. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LingeringTest {
    private final int openBefore = Descriptor.openDescriptors();
    private final MemorySegment bytes = Arena.ofAuto().allocate(8);

    @TempDir
    private Path directory;

    @AfterEach
    void nothingLeaks() {
        Await.until("all are closed", () -> Descriptor.openDescriptors() == openBefore);
    }

    @Test
    void aSocketThatWasReceivedIsClosedByAnother() throws Exception {
        UnixSocket[] pair = UnixSocket.pair();
        try (UnixSocket one = pair[0]; UnixSocket other = pair[1]) {
            LingeringSocket lingering = sendLingering(one);
            List<Descriptor> received = new ArrayList<>();
            assertEquals(1, other.receive(bytes, 0, 1, received));
            received.getFirst().close();
            received.getFirst().close();
            assertFalse(received.getFirst().isOpen());
            assertEquals(2, other.openDescriptors(), "it is open until the connection is reset");
            lingering.close();
            Await.until("closed", () -> other.openDescriptors() == 1);
        }
    }

    /** A Unix socket that is closed closes what is in its queue. */
    @Test
    void soIsOneWithALingeringSocketInItsQueue() throws Exception {
        UnixSocket[] pair = UnixSocket.pair();
        UnixSocket[] outer = UnixSocket.pair();
        try (UnixSocket one = pair[0]; UnixSocket other = pair[1]) {
            LingeringSocket lingering = sendLingering(outer[0]);
            one.send(bytes, 0, 1, outer[1].descriptor().fd());
            outer[1].close();
            outer[0].close();
            List<Descriptor> received = new ArrayList<>();
            assertEquals(1, other.receive(bytes, 0, 1, received));
            received.getFirst().close();
            assertEquals(2, other.openDescriptors(), "it is open until the connection is reset");
            lingering.close();
            Await.until("closed", () -> other.openDescriptors() == 1);
        }
    }

    @Test
    void whatIsUnreadHoldsUpNobodyWhoDiscards() throws Exception {
        UnixSocket[] pair = UnixSocket.pair();
        try (UnixSocket one = pair[0]) {
            LingeringSocket lingering = sendLingering(one);
            pair[1].discard();
            assertEquals(1, pair[1].openArrivals(), "it is open until the connection is reset");
            lingering.close();
            Await.until("closed", () -> pair[1].openArrivals() == 0);
        }
    }

    /** Those that are too many for a message are closed by whoever receives it, in the kernel. */
    @Test
    void whoTurnsSomebodyAwayDoesNotWaitForHim() throws Exception {
        try (UnixListener listener = UnixListener.bind(directory.resolve("away"));
                UnixSocket client = UnixSocket.connect(listener.path())) {
            LingeringSocket lingering = sendBeyondRoom(client);
            UnixSocket accepted = listener.accept();
            accepted.turnAway();
            assertTrue(accepted.descriptor().isOpen());
            assertFalse(listener.isClogged());
            try (UnixSocket _ = UnixSocket.connect(listener.path()); UnixSocket next = listener.accept()) {
                next.turnAway();
                assertFalse(next.descriptor().isOpen(), "others are closed meanwhile");
            }
            lingering.close();
            Await.until("closed", () -> !accepted.descriptor().isOpen());
        }
    }

    /** Clients that nobody has accepted: closed with the listener, by whoever closes that. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whoStopsListeningDoesNotWaitForThoseWhoWait(boolean beyondRoom) throws Exception {
        Path path = directory.resolve("backlog");
        UnixListener listener = UnixListener.bind(path);
        try (UnixSocket one = UnixSocket.connect(path); UnixSocket other = UnixSocket.connect(path)) {
            LingeringSocket lingering = beyondRoom ? sendBeyondRoom(one) : sendLingering(one);
            sendLingering(other).close();
            listener.close();
            assertFalse(Files.exists(path));
            UnixListener.bind(path).close();
            lingering.close();
        }
    }

    /** A socket that was taken over may be somebody else's, too. */
    @Test
    void aSocketThatWasTakenOverIsNotShutDown() {
        Path path = directory.resolve("shared");
        try (UnixListener listener = UnixListener.bind(path)) {
            try (UnixListener adopted = UnixListener.adopt(listener.descriptor().duplicate());
                    UnixSocket _ = UnixSocket.connect(path)) {
                assertTrue(adopted.descriptor().isOpen());
            }
            try (UnixSocket _ = listener.accept(); UnixSocket client = UnixSocket.connect(path)) {
                assertTrue(client.descriptor().isOpen());
            }
        }
    }

    /** Sent, and nobody has it any more but the receiver. */
    private LingeringSocket sendLingering(UnixSocket from) throws IOException {
        LingeringSocket lingering = new LingeringSocket();
        from.send(bytes, 0, 1, lingering.fd());
        lingering.leave();
        return lingering;
    }

    private LingeringSocket sendBeyondRoom(UnixSocket from) throws IOException {
        LingeringSocket lingering = new LingeringSocket();
        int[] fds = new int[UnixSocket.MAX_RECEIVED_DESCRIPTORS + 4];
        Arrays.fill(fds, from.descriptor().fd());
        fds[fds.length - 1] = lingering.fd();
        from.send(bytes, 0, 1, fds);
        lingering.leave();
        return lingering;
    }
}
