package io.vhost.app.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.app.Await;
import io.vhost.app.CommandRun;
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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Who may look into {@code forward} and {@code switch}, and what they may do. */
@Timeout(60)
class MonitorOptionsTest {
    @TempDir
    private Path directory;

    private final EndSignal end = new EndSignal();

    private CompletableFuture<CommandRun> start(String command, String... options) {
        List<String> words = new ArrayList<>(List.of(command, "--quiet", "--socket-path",
                directory.resolve("vhost").toString(), "--monitor", directory.resolve("m").toString()));
        words.addAll(List.of(options));
        var program = CompletableFuture.supplyAsync(
                () -> CommandRun.of(end, words.toArray(String[]::new)));
        Await.until("it listens", () -> isListening());
        return program;
    }

    private boolean isListening() {
        try {
            MonitorClient.connect(directory.resolve("m")).close();
            return true;
        } catch (IOException _) {
            return false;
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"forward", "switch"})
    void lookingIsAllThatCanBeDoneByDefaultAndByTheOwnerAlone(String command) throws Exception {
        var program = start(command);
        try (MonitorClient client = MonitorClient.connect(directory.resolve("m"))) {
            assertEquals("rw-------", PosixFilePermissions.toString(
                    Files.getPosixFilePermissions(directory.resolve("m"))));
            assertEquals(Map.of("name", command), client.call("query-name", Map.of()));
            String refusal = assertThrows(CommandException.class, () -> client.call("quit", Map.of()))
                    .getMessage();
            assertTrue(refusal.contains("disabled"), refusal);
            assertFalse(end.isRaised());
        } finally {
            end.raise();
        }
        assertEquals(0, program.join().status());
    }

    @ParameterizedTest
    @ValueSource(strings = {"forward", "switch"})
    void moreCanBeAllowed(String command) throws Exception {
        int uid = (Integer) Files.getAttribute(directory, "unix:uid");
        var program = start(command, "--monitor-socket-mode", "660", "--monitor-mutating",
                "--monitor-uid", (uid + 1) + "," + uid, "--monitor-gid", "1234567");
        try (MonitorClient client = MonitorClient.connect(directory.resolve("m"))) {
            assertEquals("rw-rw----", PosixFilePermissions.toString(
                    Files.getPosixFilePermissions(directory.resolve("m"))));
            assertEquals(Map.of(), client.call("quit", Map.of()));
            assertEquals(0, program.join().status());
        } finally {
            end.raise();
        }
    }

    @Test
    void withoutAMonitorTheyMeanNothing() {
        for (String[] options : new String[][] {{"--monitor-mutating"}, {"--monitor-uid", "0"},
            {"--monitor-gid", "0"}, {"--monitor-socket-mode", "660"}}) {
            List<String> words = new ArrayList<>(List.of("forward", "--socket-path",
                    directory.resolve("vhost").toString()));
            words.addAll(List.of(options));
            CommandRun run = CommandRun.of(end, words.toArray(String[]::new));
            assertEquals(2, run.status(), run::toString);
            assertTrue(run.err().contains("--monitor"), run::err);
        }
        CommandRun run = CommandRun.of(end, "forward", "--socket-path", "x", "--monitor", "y",
                "--monitor-socket-mode", "rw");
        assertEquals(2, run.status(), run::toString);
        assertTrue(run.err().contains("is not three octal digits, such as 660"), run::err);
    }
}
