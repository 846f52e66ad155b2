package io.vhost.app.service;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.app.Await;
import io.vhost.app.CommandRun;
import io.vhost.app.cli.EndSignal;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Options of a command in a file. */
@Timeout(60)
class ConfigFileTest {
    @TempDir
    private Path directory;

    private Path write(String text) throws IOException {
        return Files.writeString(directory.resolve("c.json"), text.replace("DIR", directory.toString()));
    }

    private CommandRun run(String command, String text, String... words) throws IOException {
        List<String> all = new ArrayList<>(List.of(command));
        all.addAll(Arrays.asList(words));
        all.addAll(List.of("--config", write(text).toString()));
        return CommandRun.of(all.toArray(String[]::new));
    }

    @ParameterizedTest
    @ValueSource(strings = {"forward", "switch"})
    void theWordsAreThoseOfTheOptions(String command) throws IOException {
        Path config = write("""
                {
                  # the guests
                  "socket-path": ["DIR/a", "DIR/b"],   // and no more
                  "socket-mode": 660, "queues": 2,
                  "without": ["in_order", "mrg_rxbuf"],
                  "quiet": false,
                  "async": true,
                }
                """);
        EndSignal end = new EndSignal();
        var run = CompletableFuture.supplyAsync(
                () -> CommandRun.of(end, command, "--config=" + config));
        Await.until("it listens", () -> Files.exists(directory.resolve("b")));
        end.raise();
        CommandRun done = run.join();
        assertEquals(0, done.status(), done::toString);
        assertTrue(done.out().startsWith("port 0: " + directory.resolve("a") + "\nport 1: "
                + directory.resolve("b") + "\n"), done.out());
    }

    @Test
    void theCommandLineComesBeforeTheFile() throws IOException {
        CommandRun run = run("forward", "{\"socket-path\": \"DIR/a\", \"queues\": 0, \"seconds\": 3600}",
                "--queues", "1", "--seconds=1", "--quiet");
        assertEquals(0, run.status(), run::toString);
        assertTrue(run.out().contains(directory.resolve("a").toString()), run.out());
    }

    private static Stream<Arguments> mistakes() {
        return Stream.of(
                Arguments.of("{\n  \"queues\": 1,\n  \"sokets\": 1\n}",
                        ":3:3: unknown word \"sokets\"; there are age, allow-any-file, async, "),
                Arguments.of("{\"config\": \"x\"}", ":1:2: unknown word \"config\"; there are "),
                Arguments.of("{\"help\": true}", ":1:2: unknown word \"help\"; there are "),
                Arguments.of("{\"\": true}", ":1:2: unknown word \"\"; there are "),
                Arguments.of("{\"socket-path\": [\"a\",\n \"b\", \"a\"]}", ":2:7: port a is given twice"),
                Arguments.of("{\"socket-path\": \"a\",\n\"connect\": \"a\"}", ":2:12: port a is given twice"),
                Arguments.of("{\"queues\": 1,\n\"queues\": 2}", ":2:9: Duplicate field 'queues'"),
                Arguments.of("{\"queues\": }", ":1:12: Unexpected character ('}' (code 125))"),
                Arguments.of("{\"queues\": 1", ":1:13: Unexpected end-of-input"),
                Arguments.of("{\"queues\": 1} {}", ":1:15: nothing may follow the object"),
                Arguments.of("", ":1:1: an object is expected"),
                Arguments.of("[1]", ":1:1: an object is expected"),
                Arguments.of("{\"queues\": {}}", ":1:12: \"queues\" takes a text or a number\n"),
                Arguments.of("{\"queues\": [1]}", ":1:12: \"queues\" takes a text or a number\n"),
                Arguments.of("{\"tap\": null}", ":1:9: \"tap\" takes a text or a number\n"),
                Arguments.of("{\"socket-path\": [[\"a\"]]}",
                        ":1:18: \"socket-path\" takes a text or a number, or several in brackets"),
                Arguments.of("{\"quiet\": \"yes\"}", ":1:11: \"quiet\" is true or false"),
                Arguments.of("{\"quiet\":\n1}", ":2:1: \"quiet\" is true or false"),
                Arguments.of("{\n\"queues\": \"many\"}", ":2:11: Invalid value for option '--queues'"),
                Arguments.of("{\"socket-mode\": 999}",
                        ":1:17: Invalid value for option '--socket-mode' (MODE): \"999\" is"));
    }

    @ParameterizedTest
    @MethodSource("mistakes")
    void mistakesAreNamedWithTheirPlace(String text, String expected) throws IOException {
        CommandRun run = run("switch", text);
        assertEquals(2, run.status(), run::toString);
        assertTrue(run.err().startsWith("vhost: " + directory.resolve("c.json") + expected), run.err());
        assertTrue(run.err().endsWith("Try 'vhost switch --help'.\n"), run.err());
        try (Stream<Path> files = Files.list(directory)) {
            assertEquals(1, files.count());
        }
    }

    /** Such as the combination of options, which no place in the file is to blame for. */
    @Test
    void whatOptionsAreWorthTogetherIsSaidAsEver() throws IOException {
        CommandRun run = run("switch", "{\"mtu\": 1500, \"socket-path\": \"DIR/a\"}");
        assertEquals(2, run.status());
        assertTrue(run.err().startsWith("vhost: --mtu is for a --tap\n"), run.err());
    }

    @Test
    void aFileThatCannotBeReadIsNamed() {
        String missing = directory.resolve("missing").toString();
        assertEquals(new CommandRun(1, "", "vhost: --config " + missing + ": there is no such file\n"),
                CommandRun.of("switch", "--config", missing));
        assertEquals(new CommandRun(1, "", "vhost: --config " + directory + " is a directory; name a file\n"),
                CommandRun.of("switch", "--config=" + directory));
        CommandRun none = CommandRun.of("switch", "--config");
        assertEquals(2, none.status());
        assertTrue(none.err().contains("Missing required parameter for option '--config'"), none.err());
    }

    @ParameterizedTest
    @ValueSource(strings = {"forward", "switch"})
    void aPathIsGivenOnce(String command) {
        String path = directory.resolve("a").toString();
        CommandRun run = CommandRun.of(command, "--socket-path", path + "," + path);
        assertEquals(2, run.status());
        assertTrue(run.err().contains(" is given twice\n"), run.err());
        assertFalse(Files.exists(directory.resolve("a")));
    }
}
