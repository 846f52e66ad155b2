package io.vhost.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.app.cli.EndSignal;
import io.vhost.bpf.Clang;
import io.vhost.driver.DriverConfig;
import io.vhost.driver.VirtioUser;
import io.vhost.net.Packet;
import io.vhost.peer.MainProcess;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The options {@code --program} and {@code --map}, and what a monitor makes of programs. */
@Tag("peer") // clang
class ProgramOptionTest {
    @TempDir
    private Path directory;
    private Path object;
    private Path socket;

    @BeforeEach
    void compile() throws IOException, InterruptedException {
        object = Clang.program(directory, "portfilter");
        socket = directory.resolve("a.sock");
    }

    /** A run of the command in the background. */
    private final class Running implements AutoCloseable {
        private final EndSignal end = new EndSignal();
        private final AtomicReference<CommandRun> run = new AtomicReference<>();
        private final Thread thread;

        private Running(String... words) {
            thread = Thread.ofPlatform().start(() -> run.set(CommandRun.of(end, words)));
            MainProcess.awaitListening(socket);
        }

        private CommandRun end() throws InterruptedException {
            end.raise();
            thread.join();
            return run.get();
        }

        @Override
        public void close() {
            try {
                end();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private static byte[] udp(int port) {
        ByteBuffer packet = ByteBuffer.allocate(60);
        packet.put(0, new byte[] {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2}).put(12, (byte) 8).put(14, (byte) 0x45);
        packet.putShort(16, (short) 46).put(23, (byte) 17).putShort(36, (short) port);
        return packet.array();
    }

    /** Sends packets to these ports, and waits for so many to come back; the ports of those. */
    private static List<Integer> exchange(VirtioUser driver, int back, int... ports) {
        Packet[] packets = new Packet[ports.length];
        assertEquals(ports.length, driver.pool().take(packets, 0, ports.length));
        for (int i = 0; i < ports.length; i++) {
            byte[] bytes = udp(ports[i]);
            packets[i].copyFrom(bytes, 0, bytes.length);
        }
        assertEquals(ports.length, driver.transmitBurst(0, packets, 0, ports.length));
        List<Integer> received = new ArrayList<>();
        Await.until(back + " packets come back", () -> {
            int count = driver.receiveBurst(0, packets, 0, packets.length);
            for (int i = 0; i < count; i++) {
                received.add(packets[i].networkShortAt(36));
                packets[i].release();
            }
            return received.size() == back;
        });
        return received;
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "0=FILE", "0=FILE:portfilter", "0=FILE:xdp", "0/in=FILE", "0/out=FILE"})
    void aProgramFiltersPacketsOfAPort(String program) throws Exception {
        Path map = Files.writeString(directory.resolve("ports.json"), "{\"53\": 5, \"0x35A\": 0}");
        try (Running forward = new Running("forward", "--socket-path", socket.toString(), "--quiet",
                "--program", program.replace("FILE", object.toString()), "--map", "blocked=" + map)) {
            try (VirtioUser driver = VirtioUser.connect(socket, DriverConfig.defaults())) {
                assertEquals(List.of(80, 443), exchange(driver, 2, 53, 80, 0x35A, 53, 443));
            }
            String out = forward.end().out();
            String line = out.lines().filter(text -> text.contains("portfilter")).findFirst().orElseThrow();
            assertTrue(line.matches("port 0 (out )?portfilter +5 +2 +3 +0 +0 +0"), out);
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "--program 0|write PORT=OBJ",
        "--program x=FILE|write PORT=OBJ",
        "--program 1=FILE|there is no port 1",
        "--program 0=FILE:nothing|no program nothing",
        "--program 0=FILE --map others=FILE|no map others",
        "--program 0=FILE --map blocked=/dev/zero|larger than",
        "--program 0=FILE --program-set nothing=1|no variable nothing",
        "--program 0=FILE --program-set nothing=one|is no number",
        "--program 0=FILE --program-budget -1|must be positive"})
    void whatIsWrongOnTheCommandLineIsNamed(String options, String text) {
        List<String> words = new ArrayList<>(List.of("forward", "--socket-path", socket.toString()));
        words.addAll(List.of(options.replace("FILE", object.toString()).split(" ")));
        CommandRun run = CommandRun.of(words.toArray(String[]::new));
        assertEquals(2, run.status(), run::toString);
        assertTrue(run.err().contains(text), run::toString);
        assertTrue(Files.notExists(socket));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "[", "{}{}", "5", "[5]", "[{\"key\": 1}]", "{\"port\": 1}", "{\"65536\": 1}",
        "{\"1\": {\"a\": 1}}", "{\"1\": null}", "{\"1\": 1.5}", "[{\"key\": [1], \"value\": 1}]"})
    void aMapFileThatDoesNotMatchIsRefused(String json) throws IOException {
        Path map = Files.writeString(directory.resolve("map.json"), json);
        CommandRun run = CommandRun.of("switch", "--socket-path", socket.toString(), "--program",
                "0=" + object, "--map", "blocked=" + map);
        assertEquals(2, run.status(), run::toString);
        assertTrue(run.err().contains("--map blocked=" + map), run::toString);
    }

    @Test
    void anObjectThatIsNoneOrCannotBeReadIsNamed() throws IOException {
        for (Path file : List.of(directory, directory.resolve("absent.o"),
                Files.writeString(directory.resolve("text.o"), "no object"))) {
            CommandRun run = CommandRun.of("forward", "--socket-path", socket.toString(), "--program",
                    "0=" + file);
            assertEquals(1, run.status(), run::toString);
            assertTrue(run.err().contains(file.toString()), run::toString);
        }
    }

    /** A client of the monitor that has negotiated. */
    private static final class Client implements AutoCloseable {
        private final SocketChannel channel;
        private final BufferedReader answers;

        private Client(Path path) throws IOException {
            channel = SocketChannel.open(StandardProtocolFamily.UNIX);
            channel.connect(UnixDomainSocketAddress.of(path));
            answers = new BufferedReader(new InputStreamReader(Channels.newInputStream(channel),
                    StandardCharsets.UTF_8));
            answers.readLine();
            ask("qmp_capabilities", "");
        }

        private String ask(String command, String arguments) throws IOException {
            String text = "{\"execute\": \"" + command + "\""
                    + (arguments.isEmpty() ? "" : ", \"arguments\": {" + arguments + "}") + "}\n";
            channel.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
            String line = answers.readLine();
            while (line.contains("\"event\"")) {
                line = answers.readLine();
            }
            return line;
        }

        @Override
        public void close() {
            try {
                channel.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    @Test
    void anOperatorAttachesFillsReplacesAndDetaches() throws Exception {
        Path monitor = directory.resolve("monitor");
        try (Running _ = new Running("switch", "--socket-path", socket + "," + directory.resolve("b.sock"),
                "--quiet", "--monitor", monitor.toString(), "--monitor-mutating");
                VirtioUser one = VirtioUser.connect(socket, DriverConfig.defaults());
                VirtioUser other = VirtioUser.connect(directory.resolve("b.sock"), DriverConfig.defaults());
                Client client = new Client(monitor)) {
            String file = "\"file\": \"" + object + "\"";
            assertEquals("{\"return\": {}}", client.ask("x-bpf-attach", "\"port\": 1, " + file));
            assertTrue(client.ask("x-bpf-attach", "\"port\": 3, " + file).contains("no port 3"));
            assertTrue(client.ask("x-bpf-attach", "\"port\": 1, " + file)
                    .contains("there is a program portfilter"));
            client.ask("x-bpf-attach", "\"port\": 2, \"direction\": \"out\", \"name\": \"second\","
                    + " \"priority\": 7, " + file);
            assertEquals("{\"return\": {}}", client.ask("x-bpf-map-update",
                    "\"map\": \"portfilter.o:blocked\", \"key\": 53, \"value\": 0"));
            send(one, other, 53, 80);
            String dump = client.ask("x-bpf-map-dump", "\"map\": \"portfilter.o:blocked\"");
            assertTrue(dump.contains("\"entries\": [{\"key\": 53, \"values\": [1]}], \"more\": false"), dump);
            String query = client.ask("query-bpf", "");
            assertTrue(query.contains("\"name\": \"portfilter\", \"priority\": 50, \"type\": \"xdp\","
                    + " \"packets\": 2, \"aborted\": 0, \"dropped\": 1, \"passed\": 1"), query);
            assertTrue(query.contains("\"name\": \"second\", \"priority\": 7, \"type\": \"xdp\","
                    + " \"packets\": 1"), query);
            assertTrue(query.contains("\"compiled\": true"), query);
            assertEquals("{\"return\": {}}",
                    client.ask("x-bpf-timing", "\"program\": \"portfilter\", \"on\": true"));
            client.ask("x-bpf-replace", "\"program\": \"portfilter\", \"keep-maps\": true, " + file);
            send(one, other, 53, 80);
            dump = client.ask("x-bpf-map-dump", "\"map\": \"portfilter.o:blocked\"");
            assertTrue(dump.contains("{\"key\": 53, \"values\": [2]}"), dump);
            CommandRun top = CommandRun.of("top", monitor.toString(), "--count", "1");
            assertTrue(top.out().contains("program") && top.out().contains("1:portfilter"), top::toString);
            // What is replaced begins with maps of its own.
            client.ask("x-bpf-replace", "\"program\": \"portfilter\", \"file\": \"" + object + "\"");
            send(one, other, 80, 81);
            assertTrue(client.ask("query-bpf", "").contains("\"picoseconds\""));
            assertEquals("{\"return\": {}}", client.ask("x-bpf-detach", "\"program\": \"1:portfilter\""));
            assertTrue(client.ask("x-bpf-detach", "\"program\": \"1:portfilter\"").contains("no program"));
            assertTrue(client.ask("x-bpf-map-delete", "\"map\": \"blocked\", \"key\": 5")
                    .contains("no key 5"));
            assertTrue(client.ask("x-bpf-map-dump", "\"map\": \"nothing\"").contains("no map nothing"));
            assertTrue(client.ask("x-bpf-map-update", "\"map\": \"blocked\", \"key\": 65536, \"value\": 0")
                    .contains("does not fit"));
            assertTrue(client.ask("x-bpf-attach", "\"port\": 1, \"file\": \"" + directory + "\"")
                    .contains("error"));
        }
    }

    /** Sends packets to these ports; the last of them arrives. */
    private static void send(VirtioUser from, VirtioUser to, int... ports) {
        Packet[] packets = new Packet[ports.length];
        from.pool().take(packets, 0, ports.length);
        for (int i = 0; i < ports.length; i++) {
            packets[i].copyFrom(udp(ports[i]), 0, 60);
        }
        assertEquals(ports.length, from.transmitBurst(0, packets, 0, ports.length));
        Packet[] one = new Packet[1];
        Await.until("the last packet", () -> {
            boolean last = false;
            while (to.receiveBurst(0, one, 0, 1) == 1) {
                last |= one[0].networkShortAt(36) == ports[ports.length - 1];
                one[0].release();
            }
            return last;
        });
    }

    /** Flows from one port are spread over two others, whose guests learn of no address. */
    @Test
    void aSwitchRedirectsBetweenItsPorts() throws Exception {
        Path spread = Clang.program(directory, "spread");
        Path backends = Files.writeString(directory.resolve("backends.json"), """
                [{"key": 0, "value": {"port": 2, "mac": "52:54:00:00:00:02"}},
                 {"key": 1, "value": {"port": 3, "mac": "52:54:00:00:00:03"}},
                 {"key": 2, "value": {"port": 9, "mac": "52:54:00:00:00:09"}}]
                """);
        Path[] sockets = {socket, directory.resolve("b.sock"), directory.resolve("c.sock")};
        try (Running ethernet = new Running("switch", "--socket-path",
                sockets[0] + "," + sockets[1] + "," + sockets[2], "--quiet", "--program", "0=" + spread,
                "--program-set", "count=3", "--map", "backends=" + backends);
                VirtioUser client = VirtioUser.connect(sockets[0], DriverConfig.defaults());
                VirtioUser one = VirtioUser.connect(sockets[1], DriverConfig.defaults());
                VirtioUser other = VirtioUser.connect(sockets[2], DriverConfig.defaults())) {
            int[] ports = new int[96];
            int[] expected = new int[3];
            for (int i = 0; i < ports.length; i++) {
                ports[i] = 1000 + 7 * i;
                // As spread.c does, with addresses and a source port of 0.
                int hash = (Short.reverseBytes((short) ports[i]) & 0xFFFF) * 0x9e3779b1;
                expected[(hash >>> 16) % 3]++;
            }
            Packet[] packets = new Packet[ports.length];
            assertEquals(ports.length, client.pool().take(packets, 0, ports.length));
            for (int i = 0; i < ports.length; i++) {
                packets[i].copyFrom(udp(ports[i]), 0, 60);
            }
            assertEquals(ports.length, client.transmitBurst(0, packets, 0, ports.length));
            int[] received = new int[2];
            Await.until("all that goes to ports", () -> {
                received[0] += received(one, 2);
                received[1] += received(other, 3);
                return received[0] == expected[0] && received[1] == expected[1];
            });
            String out = ethernet.end().out();
            assertTrue(out.matches("(?s).*port 0 spread +\\d+ +0 +0 +0 +\\d+ +0\\n.*"), out);
            assertTrue(expected[0] > 10 && expected[1] > 10 && out.contains(" no port"), out);
        }
    }

    private static int received(VirtioUser driver, int mac) {
        Packet[] packets = new Packet[96];
        int count = driver.receiveBurst(0, packets, 0, packets.length);
        for (int i = 0; i < count; i++) {
            assertEquals(mac, packets[i].byteAt(5));
            packets[i].release();
        }
        return count;
    }

    @Test
    void withoutLeaveNothingIsChanged() throws Exception {
        Path monitor = directory.resolve("monitor");
        try (Running _ = new Running("forward", "--socket-path", socket.toString(), "--quiet",
                "--monitor", monitor.toString(), "--program", "0=" + object);
                Client client = new Client(monitor)) {
            for (String command : List.of("x-bpf-attach", "x-bpf-replace", "x-bpf-detach", "x-bpf-timing",
                    "x-bpf-map-update", "x-bpf-map-delete")) {
                assertTrue(client.ask(command, "").contains("CommandNotFound"), command);
            }
            assertTrue(client.ask("query-bpf", "").contains("portfilter"));
            assertTrue(client.ask("x-bpf-map-dump", "\"map\": \"blocked\"").contains("\"entries\": []"));
        }
    }
}
