package io.vhost.app.top;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.app.Await;
import io.vhost.app.CommandRun;
import io.vhost.app.cli.EndSignal;
import io.vhost.driver.DriverConfig;
import io.vhost.driver.VirtioUser;
import io.vhost.os.UnixListener;
import io.vhost.os.UnixSocket;
import io.vhost.peer.MainProcess;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class TopCommandTest {
    @TempDir
    private Path directory;

    @ParameterizedTest
    @ValueSource(strings = {"forward", "switch"})
    void theQueuesOfARunningProgramAreShownThroughItsMonitor(String command) throws IOException {
        Path socket = directory.resolve("vhost");
        Path monitor = directory.resolve("monitor");
        EndSignal end = new EndSignal();
        var program = CompletableFuture.supplyAsync(() -> CommandRun.of(end, command, "--quiet",
                "--socket-path", socket.toString(), "--monitor", monitor.toString()));
        Await.until("it listens", () -> Files.exists(socket) && Files.exists(monitor));
        try (VirtioUser _ = connected(socket)) {
            CommandRun top = CommandRun.of("top", monitor.toString(), "--count", "1");
            assertEquals(0, top.status(), top::toString);
            assertTrue(top.out().contains("packets/s"), top.out());
            assertTrue(top.out().contains("/vhost/0/virtio-backend/queue/1 "), top.out());
            assertEquals(1, CommandRun.withoutOutput("top", monitor.toString()).status());
            CommandRun json = CommandRun.of("top", monitor.toString(), "--count", "2", "--json");
            assertEquals(2, json.out().lines().count(), json.out());
            assertTrue(json.out().matches("(?s)\\{\"time\": \"20.*\"queue\":"
                    + " \"/vhost/0/virtio-backend/queue/1\", \"packets-per-second\": .*\\}\n"), json.out());
            assertEquals(1, CommandRun.withoutOutput("top", monitor.toString(), "--json").status());
        } finally {
            end.raise();
        }
        assertEquals(0, program.join().status());
        assertFalse(Files.exists(monitor));
    }

    /** The file is there a moment before anybody listens. */
    private static VirtioUser connected(Path socket) {
        AtomicReference<VirtioUser> driver = new AtomicReference<>();
        Await.until("somebody listens", () -> {
            try {
                driver.set(VirtioUser.connect(socket, DriverConfig.defaults()));
                return true;
            } catch (IOException _) {
                return false;
            }
        });
        return driver.get();
    }

    @Test
    void aPathWithoutAMonitorIsOneLine() {
        CommandRun top = CommandRun.of("top", directory.resolve("nobody").toString());
        assertEquals(1, top.status());
        assertEquals(1, top.err().lines().count(), top::err);
    }

    /** Who listens for front-ends waits for them to speak first, and so it would for ever. */
    @Test
    @Tag("slow")
    void aSocketForFrontEndsIsRefusedWithWhatPathMustBe() {
        Path socket = directory.resolve("vhost");
        EndSignal end = new EndSignal();
        var program = CompletableFuture.supplyAsync(() ->
                CommandRun.of(end, "forward", "--quiet", "--socket-path", socket.toString()));
        Await.until("it listens", () -> Files.exists(socket));
        MainProcess.awaitListening(socket);
        CommandRun top = CommandRun.of("top", socket.toString());
        assertEquals(1, top.status(), top::toString);
        assertEquals(1, top.err().lines().count(), top::err);
        assertTrue(top.err().contains(socket + " has not greeted"), top::err);
        assertTrue(top.err().contains("after --monitor, not after --socket-path"), top::err);
        end.raise();
        assertEquals(0, program.join().status());
    }

    @Test
    void anEndWhileItWaitsForAGreetingIsNoFailure() throws IOException {
        Path socket = directory.resolve("silent");
        EndSignal end = new EndSignal();
        end.raise();
        try (UnixListener _ = UnixListener.bind(socket)) {
            assertEquals(new CommandRun(0, "", ""), CommandRun.of(end, "top", socket.toString()));
        }
    }

    @Test
    void aMonitorThatHasEndedIsNamed() {
        Path monitor = directory.resolve("monitor");
        try (UnixListener listener = UnixListener.bind(monitor)) {
            var top = CompletableFuture.supplyAsync(() -> CommandRun.of("top", monitor.toString()));
            try (UnixSocket client = listener.accept()) {
                send(client, "{\"QMP\": {}}");
                receive(client);
                send(client, "{\"return\": {}}");
                receive(client);
            }
            assertEquals(new CommandRun(1, "", "vhost: the monitor at " + monitor + " has ended\n"),
                    top.join());
        }
    }

    private static void send(UnixSocket client, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        client.send(MemorySegment.ofArray(bytes), 0, bytes.length);
    }

    private static void receive(UnixSocket client) {
        byte[] bytes = new byte[1000];
        Await.until("it asks", () -> client.tryReceive(bytes) > 0);
    }

    /** What a terminal of usual width has room for. */
    @Test
    void aTableOfOneDeviceHasEightyColumns() {
        TopTable table = new TopTable(0, Map.of("/vhost/0/virtio-backend/queue/1", Map.of()));
        assertEquals(80, table.title().length());
        assertEquals(80, table.since(table).getFirst().length());
        String longer = "/vhost/4000/virtio-backend/queue/255";
        TopTable wide = new TopTable(0, Map.of(longer, Map.of(), "/vhost/0/virtio-backend/queue/1",
                Map.of()));
        wide.since(wide).forEach(line -> assertEquals(wide.title().length(), line.length(), line));
    }

    @Test
    void ratesAreThoseBetweenTwoMoments() {
        TopTable before = new TopTable(0, Map.of("q", Map.of("good_packets", 10L)));
        TopTable now = new TopTable(500_000_000, Map.of("q",
                Map.of("good_packets", 20L, "good_bytes", 125_000_000L, "no_room", 3L, "busy", 4L)));
        assertEquals("q 20 2.000 0 3 4", now.since(before).getFirst().replaceAll(" +", " "));
        assertTrue(now.json(before).contains("\"seconds\": 0.5, \"queues\": [{\"queue\": \"q\","
                + " \"packets-per-second\": 20, \"bits-per-second\": 2000000000, \"in-flight\": 0,"
                + " \"drops\": 3, \"lock-busy\": 4, \"counters\": {"), now.json(before));
    }
}
