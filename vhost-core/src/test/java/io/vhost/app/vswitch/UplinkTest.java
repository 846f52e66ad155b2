package io.vhost.app.vswitch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.app.Await;
import io.vhost.app.CommandRun;
import io.vhost.app.cli.EndSignal;
import io.vhost.app.demo.Exchange;
import io.vhost.capture.CaptureBlocks;
import io.vhost.driver.DriverConfig;
import io.vhost.monitor.MonitorClient;
import io.vhost.monitor.command.CommandException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Two switches, one of which is a port of the other. */
@Timeout(120)
class UplinkTest {
    private static final int ROUNDS = 3;
    private static final int PACKETS = 2000;

    @TempDir
    private Path directory;

    private final EndSignal end = new EndSignal();
    private final List<CompletableFuture<CommandRun>> runs = new ArrayList<>();

    private Path path(String name) {
        return directory.resolve(name);
    }

    private void start(String monitor, String... options) {
        List<String> words = new ArrayList<>(List.of("switch", "--monitor", path(monitor).toString(),
                "--monitor-mutating"));
        words.addAll(List.of(options));
        runs.add(CompletableFuture.supplyAsync(() -> CommandRun.of(end, words.toArray(String[]::new))));
        Await.until("its monitor answers", () -> ports(monitor) != null);
    }

    @AfterEach
    void end() {
        end.raise();
        runs.forEach(run -> assertEquals(0, run.join().status(), run.join()::toString));
    }

    private List<?> ports(String name) {
        try (MonitorClient monitor = MonitorClient.connect(path(name))) {
            return (List<?>) monitor.call("x-query-vhost-ports", Map.of());
        } catch (IOException | CommandException _) {
            return null;
        }
    }

    private Map<?, ?> uplink() {
        return (Map<?, ?>) ports("near").getLast();
    }

    private void call(String command, Map<String, ?> arguments) throws IOException, CommandException {
        try (MonitorClient monitor = MonitorClient.connect(path("far"))) {
            Object _ = monitor.call(command, arguments);
        }
    }

    private void exchange(String one, String other, int size) throws IOException {
        try (Exchange exchange =
                Exchange.between(path(one), path(other), DriverConfig.defaults(), size, PACKETS).start()) {
            assertEquals(2 * PACKETS, exchange.finish());
        }
    }

    private void awaitUplink(boolean present) {
        Await.until(present ? "the uplink is there" : "the uplink is gone",
                () -> Boolean.valueOf(present).equals(uplink().get("connected")));
    }

    /** Guests of one switch go on while the other one goes and comes; those behind it are back with it. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void anUplinkComesBackByItselfAndTheRestRunsOn(boolean listens) throws Exception {
        start("far", "--socket-path", listens ? path("b").toString() : path("b") + "," + path("up"));
        start("near", "--socket-path", path("a") + "," + path("c"),
                listens ? "--uplink-listen" : "--uplink", path("up").toString());
        if (listens) {
            assertEquals("rw-------",
                    PosixFilePermissions.toString(Files.getPosixFilePermissions(path("up"))));
            call("x-vhost-port-add", Map.of("path", path("up").toString(), "connect", true));
        }
        awaitUplink(true);
        // Its addresses are those of the guests behind the uplink later on, so it comes first.
        try (Exchange beside = Exchange.between(
                path("a"), path("c"), DriverConfig.defaults(), 1000, Long.MAX_VALUE).start()) {
            for (int i = 0; i < ROUNDS; i++) {
                call("x-vhost-port-remove", Map.of("path", path("up").toString()));
                awaitUplink(false);
                long goal = beside.received() + 1000;
                Await.until("the others go on", () -> beside.received() >= goal);
                call("x-vhost-port-add", Map.of("path", path("up").toString(), "connect", listens));
                awaitUplink(true);
            }
            beside.stop();
            beside.finish();
        }
        exchange("a", "b", 64);
        exchange("a", "b", 1500);
        assertEquals(2L, uplink().get("port"));
        assertEquals(path("up").toString(), uplink().get("name"));
        assertCounted();
        // With the back-end goes nothing that was counted, nor with the next one.
        call("x-vhost-port-remove", Map.of("path", path("up").toString()));
        awaitUplink(false);
        assertCounted();
        call("x-vhost-port-add", Map.of("path", path("up").toString(), "connect", listens));
        awaitUplink(true);
        assertCounted();
    }

    private void assertCounted() {
        for (String counter : List.of("tx-packets", "rx-packets")) {
            assertTrue(((Number) uplink().get(counter)).longValue() >= 2 * PACKETS, () -> "" + uplink());
        }
    }

    /** Nobody polls while nothing happens: what comes over the uplink wakes the switch. */
    @Test
    void aSwitchThatSleepsIsWokenByItsUplink() throws Exception {
        start("far", "--socket-path", path("b") + "," + path("up"));
        start("near", "--socket-path", path("a").toString(), "--uplink", path("up").toString());
        awaitUplink(true);
        for (int i = 0; i < ROUNDS; i++) {
            try (Exchange exchange = Exchange.between(
                    path("a"), path("b"), DriverConfig.defaults(), 64, 1).start()) {
                assertEquals(2, exchange.finish());
            }
        }
    }

    /** An uplink's number comes after those of the sockets. */
    @Test
    void whatPassesAnUplinkIsRecorded() throws Exception {
        Path file = path("up.pcapng");
        start("far", "--socket-path", path("b") + "," + path("up"));
        start("near", "--socket-path", path("a").toString(), "--uplink", path("up").toString(),
                "--capture", "1/both=" + file);
        awaitUplink(true);
        exchange("a", "b", 61);
        end.raise();
        runs.forEach(CompletableFuture::join);
        List<CaptureBlocks.Block> packets = CaptureBlocks.of(CaptureBlocks.of(file), CaptureBlocks.PACKET);
        for (int direction = 1; direction <= 2; direction++) {
            int flags = direction;
            assertEquals(PACKETS, packets.stream()
                    .filter(one -> one.number(2) == flags && one.packet().length == 61).count());
        }
    }

    @Test
    void whatCannotBeIsRefusedWithTheReason() throws IOException {
        assertRefused(2, "a path is given twice",
                "--socket-path", path("a").toString(), "--uplink-listen", path("a").toString());
        assertRefused(1, "ENOENT", "--socket-path", path("a").toString(),
                "--uplink-listen", path("missing").resolve("up").toString());
        for (String option : List.of("--program", "--capture")) {
            assertRefused(2, option + " 2=x: there is no port 2; they are counted from 0, and there are 2",
                    "--socket-path", path("a").toString(), "--uplink", path("up").toString(), option, "2=x");
        }
        Files.writeString(path("up"), "");
        assertRefused(1, "a file that is not a socket", "--socket-path", path("a").toString(),
                "--uplink-listen", path("up").toString());
        assertFalse(Files.exists(path("a")));
    }

    private static void assertRefused(int status, String reason, String... words) {
        CommandRun run = CommandRun.of(
                Stream.concat(Stream.of("switch"), Stream.of(words)).toArray(String[]::new));
        assertEquals(status, run.status(), run::toString);
        assertTrue(run.err().contains(reason), run::toString);
    }
}
