package io.vhost.peer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** DPDK against DPDK: what the other peer tests rely on works without our library. */
@Tag("peer")
class TestPmdTest {
    private static final Duration LIMIT = Duration.ofSeconds(30);

    @TempDir
    private Path directory;

    @BeforeEach
    void needs() {
        TestPmd.require();
    }

    @Test
    void theFrontEndsPacketsComeBackFromTheBackEnd() {
        Path socket = directory.resolve("socket");
        try (TestPmd back = TestPmd.backEnd(socket).cpu(0).start();
                TestPmd front = TestPmd.frontEnd(socket).cpu(1).packetBytes(256).start()) {
            back.start();
            front.startSending(4);
            front.awaitPortCounters(counters -> counters.received() > 1_000, LIMIT);
            front.stop();
            back.stop();
            Counters sent = front.portCounters();
            assertEquals(256 * sent.sent(), sent.value("TX-bytes"));
            assertTrue(back.forwardCounters().value("RX-total") >= 1_000);
            assertEquals(0, front.quit());
        }
    }

    @Test
    void thePortCanBeStoppedAndStartedAgain() {
        Path socket = directory.resolve("socket");
        try (TestPmd back = TestPmd.backEnd(socket).cpu(0).start();
                TestPmd front = TestPmd.frontEnd(socket).cpu(1).device("in_order=0,mrg_rxbuf=0").start()) {
            back.start();
            for (int round = 0; round < 3; round++) {
                long before = front.portCounters().received();
                front.startSending(1);
                front.awaitPortCounters(counters -> counters.received() > before + 1_000, LIMIT);
                front.stop();
                front.stopPort();
                front.startPort();
            }
        }
    }

    @Test
    void nothingIsLeftAfterClose() {
        Path socket = directory.resolve("socket");
        TestPmd back = TestPmd.backEnd(socket).start();
        assertTrue(Files.exists(socket));
        back.close();
        assertFalse(ProcessHandle.of(back.pid()).isPresent());
        assertFalse(Files.exists(socket));
    }

    @Test
    void aCommandThatDoesNotDoWhatItSaysIsAFailure() {
        try (TestPmd back = TestPmd.backEnd(directory.resolve("socket")).start()) {
            back.mode("macswap");
            assertThrows(IllegalStateException.class, () -> back.mode("bogus"));
            assertThrows(IllegalStateException.class, back::stop);
            back.start();
            assertThrows(IllegalStateException.class, back::start);
            assertThrows(IllegalStateException.class, back::stopPort);
        }
    }

    @Test
    void aStartThatFailsTellsWhatTestPmdSaid() {
        Path missing = directory.resolve("missing");
        var failure = assertThrows(IllegalStateException.class, () -> TestPmd.frontEnd(missing).start());
        assertTrue(failure.getMessage().contains(missing.toString()), failure.getMessage());
    }
}
