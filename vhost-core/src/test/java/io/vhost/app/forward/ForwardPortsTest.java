package io.vhost.app.forward;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.app.Await;
import io.vhost.app.CommandRun;
import io.vhost.app.cli.EndSignal;
import io.vhost.app.demo.Exchange;
import io.vhost.driver.DriverConfig;
import io.vhost.driver.VirtioUser;
import io.vhost.monitor.MonitorClient;
import io.vhost.monitor.command.CommandException;
import io.vhost.net.Packet;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Ports of {@code forward} that come and go while it runs. */
@Timeout(120)
class ForwardPortsTest {
    private static final DriverConfig DRIVER = DriverConfig.defaults();

    @TempDir
    private Path directory;

    private final EndSignal end = new EndSignal();
    private CompletableFuture<CommandRun> run;

    private Path path(String name) {
        return directory.resolve(name);
    }

    private void start(String... options) {
        List<String> words = new ArrayList<>(List.of("forward", "--socket-path", path("a") + "," + path("b"),
                "--monitor", path("m").toString(), "--monitor-mutating"));
        words.addAll(List.of(options));
        run = CompletableFuture.supplyAsync(() -> CommandRun.of(end, words.toArray(String[]::new)));
        Await.until("its ports can be asked for", () -> {
            try (MonitorClient monitor = MonitorClient.connect(path("m"))) {
                return ports(monitor).size() == 2;
            } catch (IOException | CommandException _) {
                return false;
            }
        });
    }

    @AfterEach
    void stop() {
        end.raise();
        if (run != null) {
            CommandRun _ = run.join();
        }
    }

    private CommandRun finish() {
        end.raise();
        CommandRun done = run.join();
        assertEquals(0, done.status(), done::toString);
        return done;
    }

    private static void call(MonitorClient monitor, String command, Path path)
            throws CommandException, IOException {
        Object _ = monitor.call(command, Map.of("path", path.toString()));
    }

    /** Number and file name of each port. */
    private static List<String> ports(MonitorClient monitor) throws CommandException, IOException {
        return ((List<?>) monitor.call("x-query-vhost-ports", Map.of())).stream()
                .map(port -> (Map<?, ?>) port)
                .map(port -> port.get("port") + " " + Path.of((String) port.get("name")).getFileName())
                .toList();
    }

    @Test
    void aPortThatComesTakesThePlaceThatIsFree() throws Exception {
        start();
        try (MonitorClient monitor = MonitorClient.connect(path("m"))) {
            for (String next : List.of("c", "d", "e")) {
                call(monitor, "x-vhost-port-add", path(next));
            }
            call(monitor, "x-vhost-port-remove", path("b"));
            call(monitor, "x-vhost-port-remove", path("d"));
            assertEquals(List.of("0 a", "2 c", "4 e"), ports(monitor));
            assertFalse(Files.exists(path("b")));
            for (String next : List.of("f", "g", "h")) {
                call(monitor, "x-vhost-port-add", path(next));
            }
            assertEquals(List.of("0 a", "1 f", "2 c", "3 g", "4 e", "5 h"), ports(monitor));
            for (List<String> pair : List.of(List.of("a", "f"), List.of("c", "g"), List.of("h", "e"))) {
                try (Exchange exchange = Exchange.between(path(pair.getFirst()), path(pair.getLast()), DRIVER,
                        64, 500).start()) {
                    assertEquals(1000, exchange.finish(), pair::toString);
                }
            }
        }
        CommandRun done = finish();
        assertTrue(done.out().contains("port 1: " + path("f") + "\n"), done.out());
        assertTrue(done.out().contains("port removed: " + path("d") + "\n"), done.out());
        assertTrue(done.out().matches("(?s).*\n4 +500 +32000 +500 +32000 +0 +0 +0  " + path("e") + "\n.*"),
                done.out());
    }

    @Test
    void aPortWithoutPartnerGetsItsOwnPacketsUntilOneComes() throws Exception {
        start("--async", "--dma", "inline");
        try (MonitorClient monitor = MonitorClient.connect(path("m"));
                VirtioUser staying = VirtioUser.connect(path("a"), DRIVER)) {
            for (int round = 0; round < 3; round++) {
                try (VirtioUser partner = VirtioUser.connect(path("b"), DRIVER)) {
                    assertPasses(staying, partner);
                    call(monitor, "x-vhost-port-remove", path("b"));
                    Await.until("the partner is sent away", () -> !partner.isConnected());
                }
                assertPasses(staying, staying);
                call(monitor, "x-vhost-port-add", path("b"));
                assertEquals(List.of("0 a", "1 b"), ports(monitor));
            }
        }
        CommandRun _ = finish();
    }

    @Test
    void aPortIsRemovedUnderItsOwnTraffic() throws Exception {
        start("--async", "--dma", "worker");
        try (MonitorClient monitor = MonitorClient.connect(path("m"))) {
            for (int round = 0; round < 5; round++) {
                try (Exchange exchange =
                        Exchange.between(path("a"), path("b"), DRIVER, 64, Long.MAX_VALUE).start()) {
                    Await.until("packets pass", () -> exchange.received() >= 1000);
                    call(monitor, "x-vhost-port-remove", path("b"));
                }
                call(monitor, "x-vhost-port-add", path("b"));
            }
            try (Exchange exchange = Exchange.between(path("a"), path("b"), DRIVER, 64, 1000).start()) {
                assertEquals(2000, exchange.finish());
            }
        }
        CommandRun _ = finish();
    }

    /** It does not end as it does when nobody can come to an inherited socket any more. */
    @Test
    void withoutPortsItWaitsForOthers() throws Exception {
        start();
        try (MonitorClient monitor = MonitorClient.connect(path("m"))) {
            call(monitor, "x-vhost-port-remove", path("a"));
            call(monitor, "x-vhost-port-remove", path("b"));
            assertEquals(List.of(), ports(monitor));
            call(monitor, "x-vhost-port-add", path("c"));
            try (VirtioUser guest = VirtioUser.connect(path("c"), DRIVER)) {
                assertPasses(guest, guest);
            }
        }
        CommandRun _ = finish();
    }

    @Test
    void whatCannotBeDoneIsNamedAndChangesNothing() throws Exception {
        start();
        try (MonitorClient monitor = MonitorClient.connect(path("m"))) {
            assertRefused("there is a port " + path("a") + " already", monitor,
                    "x-vhost-port-add", path("a"));
            assertRefused("there is no port " + path("c"), monitor, "x-vhost-port-remove", path("c"));
            Path missing = path("missing").resolve("c");
            assertRefused("bind(" + missing + "): ENOENT", monitor, "x-vhost-port-add", missing);
            CommandException connect = assertThrows(CommandException.class, () -> monitor.call(
                    "x-vhost-port-add", Map.of("path", path("c").toString(), "connect", true)));
            assertTrue(connect.getMessage().contains("connect"), connect.getMessage());
            assertEquals(List.of("0 a", "1 b"), ports(monitor));
            call(monitor, "x-vhost-port-add", path("c"));
            assertEquals(List.of("0 a", "1 b", "2 c"), ports(monitor));
        }
        CommandRun _ = finish();
    }

    /** One packet from a front-end to another, or to itself. Those that meet nobody meanwhile are dropped. */
    private static void assertPasses(VirtioUser from, VirtioUser to) {
        Packet[] packets = new Packet[1];
        Await.until("a packet passes", () -> {
            packets[0] = from.pool().take();
            packets[0].reset(60);
            if (from.transmitBurst(0, packets, 0, 1) == 0) {
                packets[0].release();
            }
            if (to.receiveBurst(0, packets, 0, 1) == 0) {
                return false;
            }
            assertEquals(60, packets[0].length());
            packets[0].release();
            return true;
        });
    }

    private static void assertRefused(String expected, MonitorClient monitor, String command, Path path) {
        String text = assertThrows(CommandException.class, () -> call(monitor, command, path)).getMessage();
        assertTrue(text.startsWith(expected), text);
    }
}
