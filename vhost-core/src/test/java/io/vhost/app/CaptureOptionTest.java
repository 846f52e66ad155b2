package io.vhost.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.app.cli.EndSignal;
import io.vhost.capture.CaptureBlocks;
import io.vhost.driver.DriverConfig;
import io.vhost.driver.VirtioUser;
import io.vhost.monitor.MonitorClient;
import io.vhost.monitor.command.CommandException;
import io.vhost.net.Packet;
import io.vhost.peer.MainProcess;
import io.vhost.peer.Program;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The option {@code --capture} and its neighbours, and what a monitor makes of captures. */
@Timeout(value = 180, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class CaptureOptionTest {
    @TempDir
    private Path directory;
    private Path socket;
    private Path other;
    private Path monitor;
    private Path file;

    @BeforeEach
    void paths() {
        socket = directory.resolve("a.sock");
        other = directory.resolve("b.sock");
        monitor = directory.resolve("monitor");
        file = directory.resolve("a.pcapng");
    }

    /** A run of the command in the background. */
    private final class Running implements AutoCloseable {
        private final EndSignal end = new EndSignal();
        private final AtomicReference<CommandRun> run = new AtomicReference<>();
        private final Thread thread;

        private Running(String... words) {
            thread = Thread.ofPlatform().start(() -> run.set(CommandRun.of(end, words)));
            MainProcess.awaitListening(socket);
            if (String.join(" ", words).contains(other.toString())) {
                MainProcess.awaitListening(other);
            }
        }

        private CommandRun end() throws InterruptedException {
            end.raise();
            thread.join();
            return run.get();
        }

        @Override
        public void close() {
            try {
                CommandRun _ = end();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Sends packets of these lengths, and waits until as many have come back. */
    static void echo(VirtioUser driver, int... lengths) {
        exchange(driver, driver, lengths);
    }

    static void exchange(VirtioUser from, VirtioUser to, int... lengths) {
        Packet[] packets = new Packet[lengths.length];
        assertEquals(lengths.length, from.pool().take(packets, 0, lengths.length));
        for (int i = 0; i < lengths.length; i++) {
            packets[i].reset(lengths[i]);
            for (int at = 0; at < lengths[i]; at++) {
                packets[i].putByte(at, at < 6 ? 0xFF : at < 12 ? 2 : at == 12 ? 8 : 0);
            }
        }
        assertEquals(lengths.length, from.transmitBurst(0, packets, 0, lengths.length));
        int[] back = new int[1];
        Packet[] one = new Packet[1];
        Await.until(lengths.length + " packets", () -> {
            while (to.receiveBurst(0, one, 0, 1) == 1) {
                one[0].release();
                back[0]++;
            }
            return back[0] >= lengths.length;
        });
    }

    private static List<CaptureBlocks.Block> packets(Path file) throws IOException {
        return CaptureBlocks.of(CaptureBlocks.of(file), CaptureBlocks.PACKET);
    }

    private static List<Integer> lengths(List<CaptureBlocks.Block> packets) {
        return packets.stream().map(one -> one.body().getInt(16)).toList();
    }

    @ParameterizedTest
    @CsvSource({"0, 1", "0/in, 1", "0/out, 2", "0/both, 3"})
    void packetsOfAPortAreRecorded(String place, int directions) throws Exception {
        CommandRun run;
        try (Running forward = new Running("forward", "--socket-path", socket.toString(), "--quiet",
                "--capture", place + "=" + file, "--capture-snaplen", "70")) {
            try (VirtioUser driver = VirtioUser.connect(socket, DriverConfig.defaults())) {
                echo(driver, 60, 71);
            }
            run = forward.end();
        }
        List<CaptureBlocks.Block> packets = packets(file);
        for (int direction = 1; direction <= 2; direction++) {
            int flags = direction;
            List<CaptureBlocks.Block> these = packets.stream().filter(one -> one.number(2) == flags).toList();
            assertEquals((directions & direction) != 0 ? List.of(60, 71) : List.of(), lengths(these));
            these.forEach(one -> assertTrue(one.packet().length == Math.min(70, one.body().getInt(16))));
        }
        String line = "port 0 " + (directions == 2 ? "out" : "in") + " queue 0 +2 +2 +0 +2";
        assertTrue(run.out().lines().anyMatch(text -> text.matches(" +" + line)), run::toString);
    }

    @Test
    void aConfigurationFileStartsCapturesToo() throws Exception {
        Path config = directory.resolve("c.json");
        Files.writeString(config, """
                {"socket-path": "%s", "capture": ["0=%s", "0/out=%s"], "capture-snaplen": 64}
                """.formatted(socket, file, directory.resolve("out.pcapng")));
        try (Running _ = new Running("forward", "--config", config.toString());
                VirtioUser driver = VirtioUser.connect(socket, DriverConfig.defaults())) {
            echo(driver, 60, 71);
        }
        for (Path each : List.of(file, directory.resolve("out.pcapng"))) {
            assertEquals(List.of(60, 71), lengths(packets(each)));
            assertEquals(64, packets(each).getLast().packet().length);
        }
    }

    @Test
    void optionsOfTheSameFileAreOneCapture() throws Exception {
        try (Running _ = new Running("forward", "--socket-path", socket + "," + other, "--quiet",
                "--capture", "0=" + file, "--capture", "1/out=" + directory.resolve("./a.pcapng"));
                VirtioUser one = VirtioUser.connect(socket, DriverConfig.defaults());
                VirtioUser two = VirtioUser.connect(other, DriverConfig.defaults())) {
            exchange(one, two, 60, 61);
            exchange(two, one, 62);
        }
        assertEquals(List.of(60, 61, 60, 61), lengths(packets(file)));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "--capture 0|write PORT=FILE",
        "--capture x=FILE|write PORT=FILE",
        "--capture 0/off=FILE|write PORT=FILE",
        "--capture 1=FILE|there is no port 1",
        "--capture 0=FILE --capture-snaplen 0|--capture-snaplen must be 1 to 262144",
        "--capture 0=FILE --capture-snaplen 262145|--capture-snaplen must be 1 to 262144",
        "--capture 0=FILE --capture-buffer 0|--capture-buffer must be 1 to 1024",
        "--capture 0=FILE --capture-buffer 1025|--capture-buffer must be 1 to 1024",
        "--capture 0=FILE --capture-files 2|is for a --capture-file-size",
        "--capture 0=FILE --capture-files -1 --capture-file-size 1|must not be negative",
        "--capture 0=PIPE --capture-file-size 1|is a pipe"})
    void whatIsWrongOnTheCommandLineIsNamed(String options, String text) throws Exception {
        List<String> words = new ArrayList<>(List.of("forward", "--socket-path", socket.toString()));
        words.addAll(List.of(options.replace("FILE", file.toString()).replace("PIPE", pipe().toString())
                .split(" ")));
        CommandRun run = CommandRun.of(words.toArray(String[]::new));
        assertEquals(2, run.status(), run::toString);
        assertTrue(run.err().contains(text), run::toString);
        assertTrue(Files.notExists(socket));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {".|is a directory", "absent/a|its directory does not exist"})
    void aFileThatCannotBeHadIsNamed(String name, String text) {
        Path wrong = directory.resolve(name);
        CommandRun run = CommandRun.of("switch", "--socket-path", socket.toString(),
                "--capture", "0=" + wrong);
        assertEquals(1, run.status(), run::toString);
        assertTrue(run.err().contains("cannot capture to " + wrong), run::toString);
        assertTrue(run.err().contains(text), run::toString);
        assertTrue(Files.notExists(socket));
    }

    @Test
    void aFullDiskIsToldAndTheRestRunsOn() throws Exception {
        CommandRun run;
        try (Running forward = new Running("forward", "--socket-path", socket.toString(), "--quiet",
                "--capture", "0=/dev/full", "--capture", "0=" + file)) {
            try (VirtioUser driver = VirtioUser.connect(socket, DriverConfig.defaults())) {
                echo(driver, 60, 61);
            }
            run = forward.end();
        }
        assertEquals(0, run.status(), run::toString);
        assertTrue(run.out().contains("/dev/full: failed: write(/dev/full): ENOSPC (28) No space left"),
                run::toString);
        assertEquals(List.of(60, 61), lengths(packets(file)));
    }

    private Path pipe() throws Exception {
        Path pipe = directory.resolve("pipe");
        if (Files.notExists(pipe)) {
            assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
        }
        return pipe;
    }

    private static Map<String, Object> arguments(Object... pairs) {
        Map<String, Object> arguments = new LinkedHashMap<>();
        for (int i = 0; i < pairs.length; i += 2) {
            Object value = pairs[i + 1] instanceof Path path ? path.toString() : pairs[i + 1];
            arguments.put((String) pairs[i], value);
        }
        return arguments;
    }

    @SuppressWarnings("unchecked")
    private static List<Map<String, Object>> query(MonitorClient client, String part) throws Exception {
        return (List<Map<String, Object>>)
                ((Map<String, Object>) client.call("x-query-capture", Map.of())).get(part);
    }

    @Test
    void anOperatorStartsLooksAndStops() throws Exception {
        Path pipe = pipe();
        try (Running _ = new Running("switch", "--socket-path", socket + "," + other, "--quiet",
                "--monitor", monitor.toString(), "--monitor-mutating");
                VirtioUser one = VirtioUser.connect(socket, DriverConfig.defaults());
                VirtioUser two = VirtioUser.connect(other, DriverConfig.defaults());
                MonitorClient client = MonitorClient.connect(monitor)) {
            exchange(one, two, 59);
            client.call("x-capture-start", arguments("port", 0, "file", file, "direction", "both"));
            client.call("x-capture-start", arguments("port", 1, "file", pipe, "direction", "out",
                    "snaplen", 100));
            assertEquals(List.of("recording", "waiting"),
                    query(client, "captures").stream().map(each -> each.get("state")).toList());
            assertEquals(List.of("in", "out", "in", "out"),
                    query(client, "ports").stream().map(each -> each.get("direction")).toList());
            exchange(one, two, 60);
            try (InputStream stream = Files.newInputStream(pipe)) {
                Await.until("recording", () -> states(client).equals(List.of("recording", "recording")));
                exchange(one, two, 1000);
                client.call("x-capture-stop", arguments("file", pipe));
                List<CaptureBlocks.Block> live = CaptureBlocks.of(
                        CaptureBlocks.of(stream.readAllBytes()), CaptureBlocks.PACKET);
                assertEquals(List.of(1000), lengths(live));
                assertEquals(100, live.getFirst().packet().length);
            }
            exchange(two, one, 61);
            client.call("x-capture-stop", arguments("file", file));
            assertEquals(List.of(60, 1000, 61), lengths(packets(file)));
            assertEquals(List.of(), query(client, "captures"));
        }
    }

    private static List<Object> states(MonitorClient client) {
        try {
            return query(client, "captures").stream().map(each -> each.get("state")).toList();
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void oddQuestionsAreRefusedWithAReason() throws Exception {
        try (Running _ = new Running("switch", "--socket-path", socket.toString(), "--quiet",
                "--monitor", monitor.toString(), "--monitor-mutating");
                MonitorClient client = MonitorClient.connect(monitor)) {
            refused(client, "no port 1", "port", 1, "file", file);
            refused(client, "no port 4294967295", "port", 0xFFFF_FFFFL, "file", file);
            refused(client, "snap length", "port", 0, "file", file, "snaplen", 0);
            refused(client, "snap length", "port", 0, "file", file, "snaplen", 0xFFFF_FFFFL);
            refused(client, "a path has", "port", 0, "file", "");
            refused(client, "a path has", "port", 0, "file", "a\nb");
            refused(client, "a path has", "port", 0, "file", "a\0b");
            refused(client, "a path has", "port", 0, "file", "a".repeat(4097));
            refused(client, "cannot capture", "port", 0, "file", "a".repeat(4000));
            refused(client, "is a directory", "port", 0, "file", directory);
            refused(client, "cannot capture", "port", 0, "file", socket);
            refused(client, "direction", "port", 0, "file", file, "direction", "up");
            refused(client, "files need a file-size", "port", 0, "file", file, "files", 2);
            refused(client, "filter-section needs a filter", "port", 0, "file", file,
                    "filter-section", "xdp");
            refused(client, "files of 1 bytes", "port", 0, "file", file, "file-size", 1);
            refused(client, "is no file", "port", 0, "file", file, "filter", "/dev/zero");
            refused(client, "is no file", "port", 0, "file", file, "filter", pipe());
            refused(client, "there is a file already", "port", 0, "file",
                    Files.writeString(directory.resolve("old"), "precious"));
            assertEquals(List.of(), query(client, "captures"));
            for (int i = 0; i < 16; i++) {
                client.call("x-capture-start", arguments("port", 0, "file", directory.resolve("c" + i)));
            }
            refused(client, "runs already", "port", 0, "file", directory.resolve("./c3"));
            refused(client, "there are 16 captures", "port", 0, "file", file);
            client.call("x-capture-stop", arguments("file", directory.resolve("c3")));
            client.call("x-capture-start", arguments("port", 0, "file", file));
            CommandException e = assertThrows(CommandException.class,
                    () -> client.call("x-capture-stop", arguments("file", directory.resolve("c3"))));
            assertTrue(e.getMessage().contains("no capture to"), e.getMessage());
        }
    }

    private static void refused(MonitorClient client, String text, Object... arguments) {
        CommandException e = assertThrows(CommandException.class,
                () -> client.call("x-capture-start", arguments(arguments)));
        assertTrue(e.getMessage().contains(text), e.getMessage());
    }

    @ParameterizedTest
    @ValueSource(strings = {"x-capture-start", "x-capture-stop"})
    void withoutLeaveNothingIsRecorded(String command) throws Exception {
        try (Running _ = new Running("forward", "--socket-path", socket.toString(), "--quiet",
                "--monitor", monitor.toString(), "--capture", "0=" + file);
                MonitorClient client = MonitorClient.connect(monitor)) {
            CommandException e = assertThrows(CommandException.class,
                    () -> client.call(command, arguments("port", 0, "file", file)));
            assertEquals("CommandNotFound", e.errorClass().toString().replace("COMMAND_NOT_FOUND",
                    "CommandNotFound"));
            assertEquals(1, query(client, "captures").size());
        }
    }

    /** Room outside the heap is limited too. */
    @Test
    void aBufferThatHasNoRoomIsNamed() {
        try (Program vhost = MainProcess.start("switch", "--socket-path", socket.toString(), "--capture",
                "0=" + file, "--capture-buffer", "1024")) {
            assertEquals(1, vhost.exitStatus(), vhost::output);
            assertTrue(vhost.output().contains("no room for a buffer of 1073741824 bytes"), vhost::output);
            assertFalse(vhost.output().contains("OutOfMemoryError"), vhost::output);
        }
    }

    /** A port that goes takes its capture with it, whole; others stay; one that comes can be recorded. */
    @Test
    void portsComeAndGo() throws Exception {
        Path common = directory.resolve("common");
        try (Running _ = new Running("switch", "--socket-path", socket + "," + other, "--quiet",
                "--monitor", monitor.toString(), "--monitor-mutating", "--capture", "1=" + file,
                "--capture", "0/both=" + common, "--capture", "1/both=" + common);
                MonitorClient client = MonitorClient.connect(monitor);
                VirtioUser one = VirtioUser.connect(socket, DriverConfig.defaults())) {
            try (VirtioUser two = VirtioUser.connect(other, DriverConfig.defaults())) {
                exchange(two, one, 60);
            }
            client.call("x-vhost-port-remove", arguments("path", other));
            Await.until("the end", () -> states(client).equals(List.of("ended", "recording")));
            assertEquals(List.of(60), lengths(packets(file)));
            client.call("x-vhost-port-add", arguments("path", other));
            Path again = directory.resolve("again");
            client.call("x-capture-start", arguments("port", 2, "file", again, "direction", "in"));
            try (VirtioUser two = VirtioUser.connect(other, DriverConfig.defaults())) {
                exchange(two, one, 61);
            }
            client.call("x-capture-stop", arguments("file", again));
            assertEquals(List.of(61), lengths(packets(again)));
        }
        assertEquals(List.of(60, 60, 61), lengths(packets(common)));
    }
}
