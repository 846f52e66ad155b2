package io.vhost.app.forward;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.app.polling.DmaKind;
import io.vhost.peer.Counters;
import io.vhost.peer.MainProcess;
import io.vhost.peer.Program;
import io.vhost.peer.TestPmd;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The command line with {@code --async}, in a process of its own. {@code -Dpeer.seconds} says how long
 * traffic flows, {@code -Dpeer.cycles} how often a port is stopped under it.
 */
@Tag("slow")
class AsyncProcessTest {
    private static final Duration TIME = Duration.ofSeconds(Integer.getInteger("peer.seconds", 1));
    private static final int CYCLES = Integer.getInteger("peer.cycles", 5);
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final int BURSTS = 8;
    private static final int FULL_FRAME = 1518;

    @TempDir
    private Path directory;

    @ParameterizedTest
    @EnumSource(DmaKind.class)
    void theDemosPacketsGoThroughTheChannels(DmaKind kind) {
        try (Program demo = MainProcess.start("demo", "--async", "--dma", word(kind), "--seconds", "2")) {
            assertEquals(0, demo.exitStatus(), demo::output);
            assertTrue(demo.output().matches("(?s).* \\d+ copying  .* in flight, 0 bad.*"), demo.output());
            long verified = number(demo.output(), "\nboth +([\\d,]+)");
            long copies = number(demo.output(), "DMA channels made ([\\d,]+) copies of packets");
            // Each packet is copied from one guest and to the other; the first ones may go to everybody.
            assertTrue(copies >= 2 * verified && copies < 2 * verified + 1000, demo.output());
        }
    }

    private static String word(DmaKind kind) {
        return kind.name().toLowerCase(Locale.ROOT);
    }

    private static long number(String text, String pattern) {
        Matcher matcher = Pattern.compile(pattern).matcher(text);
        assertTrue(matcher.find(), text);
        return Long.parseLong(matcher.group(1).replace(",", ""));
    }

    private static void needs() {
        TestPmd.require();
    }

    private Path socket() {
        return directory.resolve("port");
    }

    private Program forward(DmaKind kind) {
        Program forward = MainProcess.start(
                "forward", "--socket-path", socket().toString(), "--async", "--dma", word(kind));
        forward.await("port 0: ");
        return forward;
    }

    private TestPmd.Builder front(String path, int size) {
        TestPmd.Builder front = TestPmd.frontEnd(socket()).cpu(1).device(path).packetBytes(size);
        return size > FULL_FRAME ? front.jumbo() : front;
    }

    /** Ends the process as a user does; its closing table says the same as the other side. */
    private void end(Program forward, long packets, long bytes) {
        forward.terminate();
        assertEquals(0, forward.exitStatus(), forward::output);
        assertFalse(Files.exists(socket()));
        String output = forward.output();
        assertEquals("", MainProcess.complaints(output));
        assertTrue(output.contains(" in flight"), output);
        Matcher row = Pattern.compile("\n0((?: +\\d+){7})  ").matcher(output);
        assertTrue(row.find(), output);
        assertEquals("%1$d %2$d %1$d %2$d 0 0 0".formatted(packets, bytes),
                row.group(1).trim().replaceAll(" +", " "));
    }

    @Tag("peer")
    @ParameterizedTest
    @MethodSource("io.vhost.app.forward.DpdkTest#pathsSizesAndEngines")
    void nothingIsLost(String path, int size, DmaKind kind) {
        needs();
        try (Program forward = forward(kind);
                TestPmd front = front(path, size).start()) {
            long sent = front.circulate(TIME);
            assertEquals(0, front.forwardCounters().value("TX-dropped"));
            Counters theirs = front.drain(sent);
            assertEquals(size * sent, theirs.value("RX-bytes"));
            assertEquals(0,
                    theirs.value("RX-errors") + theirs.value("TX-errors") + theirs.value("RX-missed"));
            assertEquals(0, front.quit());
            end(forward, sent, size * sent);
            System.out.printf("forward --async --dma %s: %s, %d bytes: %,d packets, none lost%n", word(kind),
                    path.isEmpty() ? "default" : path, size, sent);
        }
    }

    /** The connection ends while the process ends, with packets in flight. */
    @Tag("peer")
    @ParameterizedTest
    @EnumSource(DmaKind.class)
    void aPortIsStoppedAndStartedUnderTraffic(DmaKind kind) {
        needs();
        try (Program forward = forward(kind);
                TestPmd front = TestPmd.frontEnd(socket()).cpu(1).start()) {
            for (int cycle = 0; cycle < CYCLES; cycle++) {
                front.restartUnderTraffic();
            }
            front.startSending(BURSTS);
            long before = front.portCounters().received();
            front.awaitPortCounters(counters -> counters.received() > before + 1_000, LIMIT);
            forward.terminate();
            assertEquals(0, forward.exitStatus(), forward::output);
            assertEquals("", MainProcess.complaints(forward.output()));
            assertTrue(Pattern.compile("\n0(?: +\\d+){6} +0  ").matcher(forward.output()).find(),
                    forward.output());
        }
    }
}
