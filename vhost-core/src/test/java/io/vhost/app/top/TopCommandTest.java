package io.vhost.app.top;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.app.Await;
import io.vhost.app.CommandRun;
import io.vhost.app.cli.EndSignal;
import io.vhost.driver.DriverConfig;
import io.vhost.driver.VirtioUser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
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

    @Test
    void ratesAreThoseBetweenTwoMoments() {
        TopTable before = new TopTable(0, Map.of("q", Map.of("good_packets", 10L)));
        TopTable now = new TopTable(500_000_000, Map.of("q",
                Map.of("good_packets", 20L, "good_bytes", 125_000_000L, "no_room", 3L, "busy", 4L)));
        assertEquals("q 20 2.000 0 3 4", now.since(before).getFirst().replaceAll(" +", " "));
    }
}
