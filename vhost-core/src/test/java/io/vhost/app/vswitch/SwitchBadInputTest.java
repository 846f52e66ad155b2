package io.vhost.app.vswitch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.vhost.app.Await;
import io.vhost.app.demo.Exchange;
import io.vhost.driver.DriverConfig;
import io.vhost.os.UnixSocket;
import io.vhost.peer.SwitchProcess;
import io.vhost.protocol.RawPeer;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A front-end breaks a rule at one socket of {@code switch};
 * two guests at others lose nothing, and the user is told.
 */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SwitchBadInputTest {
    private static final int SET_FEATURES = 2;
    private static final int SET_MEM_TABLE = 5;
    private static final int SET_LOG_BASE = 6;
    private static final int GET_PROTOCOL_FEATURES = 15;
    private static final int SET_PROTOCOL_FEATURES = 16;
    private static final int NET_SET_MTU = 20;
    private static final int RESET_OWNER = 4;
    private static final long LOG_SHMFD = 1L << 1;
    private static final long LOG_ALL = 1L << 26;
    private static final long MODERN = 1L << 32;
    private static final long SUCCESS = 0;
    private static final long FAILURE = 1;
    /** 128 MiB on have no bit in a log of 4 KiB. */
    private static final long BEYOND = 4096L * 4096 * 8;

    @TempDir
    private static Path directory;
    private static SwitchProcess ethernet;

    private Exchange others;
    private RawPeer peer;

    @BeforeAll
    static void start() {
        ethernet = SwitchProcess.start("--socket-path", path("a") + "," + path("b") + "," + path("c"));
    }

    @AfterAll
    static void end() {
        ethernet.close();
    }

    private static Path path(String name) {
        return directory.resolve(name);
    }

    @BeforeEach
    void connect() throws IOException {
        others = Exchange.between(path("a"), path("b"), DriverConfig.defaults(), 0, Long.MAX_VALUE).start();
        peer = new RawPeer(UnixSocket.connect(path("c")));
    }

    @AfterEach
    void theOthersGoOn() {
        try (RawPeer _ = peer; Exchange exchange = others) {
            long before = exchange.received();
            Await.until("the others exchange packets", () -> exchange.received() > before + 1_000);
            exchange.stop();
            exchange.finish();
        }
    }

    private void negotiate(long without) {
        peer.send(GET_PROTOCOL_FEATURES, RawPeer.PLAIN);
        peer.send(SET_PROTOCOL_FEATURES, RawPeer.PLAIN, peer.receive().u64() & ~without);
    }

    private void expectClosed(String reason) {
        assertNull(peer.receive(), "the connection is closed");
        ethernet.await(") " + reason);
    }

    private void ack(long expected, byte[] message, int descriptors) {
        peer.sendWithFiles(message, descriptors);
        assertEquals(expected, peer.receive().u64());
    }

    private void shareMemory(long expected, long guestAddress) {
        ack(expected, RawPeer.message(
                SET_MEM_TABLE, RawPeer.NEED_REPLY, 1, 0, guestAddress, 4096L, 0x1000L, 0L), 1);
    }

    @Test
    void aLogNeedsTheFeatureThatPassesItsFile() {
        negotiate(LOG_SHMFD);
        peer.sendWithFiles(RawPeer.message(SET_LOG_BASE, RawPeer.PLAIN, 4096L, 0L), 1);
        expectClosed("SET_LOG_BASE refused: protocol feature LOG_SHMFD is not negotiated");
    }

    @Test
    void loggingNeedsTheFeatureThatPassesItsFile() {
        negotiate(LOG_SHMFD);
        peer.send(SET_FEATURES, RawPeer.PLAIN, MODERN | LOG_ALL);
        expectClosed("SET_FEATURES refused: VHOST_F_LOG_ALL asks for a log of written pages, which needs"
                + " protocol feature LOG_SHMFD");
    }

    @Test
    void aLogHasRoomForAllMemory() {
        negotiate(0);
        shareMemory(SUCCESS, BEYOND);
        peer.sendWithFiles(RawPeer.message(SET_LOG_BASE, RawPeer.PLAIN, 4096L, 0L), 1);
        expectClosed("SET_LOG_BASE refused: dirty log of 4096 bytes is too small for the memory table");
    }

    @Test
    void aLogIsNotLongerThanItsFile() {
        negotiate(0);
        peer.sendWithFiles(RawPeer.message(SET_LOG_BASE, RawPeer.PLAIN, 8192L, 0L), 1);
        expectClosed("SET_LOG_BASE refused: dirty log of size=0x2000 at offset=0x0 exceeds its file of 4096"
                + " bytes");
    }

    @Test
    void memoryThatTheLogHasNoRoomForIsRefusedWhilePagesAreLogged() {
        negotiate(0);
        ack(SUCCESS, RawPeer.message(SET_LOG_BASE, RawPeer.PLAIN, 4096L, 0L), 1);
        peer.send(SET_FEATURES, RawPeer.PLAIN, MODERN | LOG_ALL);
        shareMemory(FAILURE, BEYOND);
        ethernet.await("SET_MEM_TABLE refused: dirty log of 4096 bytes is too small for the memory table");
        shareMemory(SUCCESS, BEYOND - 4096);
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 67, 65536, -1})
    void anMtuIsOneThatEthernetCanHave(long mtu) {
        negotiate(0);
        ack(FAILURE, RawPeer.message(NET_SET_MTU, RawPeer.NEED_REPLY, mtu), 0);
        ethernet.await("NET_SET_MTU refused: MTU " + Long.toUnsignedString(mtu)
                + " is not in 68..65535; failure reply sent");
        ack(SUCCESS, RawPeer.message(NET_SET_MTU, RawPeer.NEED_REPLY, 1500L), 0);
        ack(SUCCESS, RawPeer.message(RESET_OWNER, RawPeer.NEED_REPLY), 0);
    }
}
