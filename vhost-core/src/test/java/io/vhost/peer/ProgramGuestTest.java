package io.vhost.peer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.bpf.Clang;
import java.io.IOException;
import java.net.InetAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Scanner;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** eBPF programs between two Linux guests behind {@code vhost switch}, seen from inside the guests. */
@Tag("peer")
class ProgramGuestTest {
    private static final boolean FULL = "full".equals(System.getProperty("guests"));
    private static final int MEBIBYTES = FULL ? 64 : 8;
    private static final int REPLACEMENTS = FULL ? 1000 : 200;
    private static final String SECOND = LinuxGuest.address(2);

    @TempDir
    private Path directory;
    private Path socketA;
    private Path socketB;
    private Path monitor;

    @BeforeEach
    void needs() {
        LinuxGuest.require();
        socketA = directory.resolve("a.sock");
        socketB = directory.resolve("b.sock");
        monitor = directory.resolve("monitor");
    }

    private SwitchProcess ethernet(String... more) {
        return SwitchProcess.start(Stream.concat(
                Stream.of("--socket-path", socketA + "," + socketB, "--monitor", monitor.toString(),
                        "--monitor-mutating"), Stream.of(more)).toArray(String[]::new));
    }

    /** Copies a file from one guest to the other, whose digests must agree. */
    private static void copy(LinuxGuest from, LinuxGuest to, String address, int port, int listen) {
        to.receive(listen);
        String digest = from.makeFile(MEBIBYTES);
        from.sendFile(address, port);
        assertEquals(digest, to.received());
    }

    private static void assertPings(LinuxGuest from, String address) {
        String output = from.run("ping -c 5 -i 0.2 " + address);
        assertTrue(output.contains(" 0% packet loss"), output);
    }

    /** A client of the monitor. */
    private final class Client implements AutoCloseable {
        private final SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        private final Scanner answers;

        private Client() throws IOException {
            channel.connect(UnixDomainSocketAddress.of(monitor));
            answers = new Scanner(Channels.newInputStream(channel), StandardCharsets.UTF_8);
            answers.nextLine();
            ask("{\"execute\": \"qmp_capabilities\"}");
        }

        private String ask(String command) throws IOException {
            channel.write(ByteBuffer.wrap((command + "\n").getBytes(StandardCharsets.UTF_8)));
            String line = answers.nextLine();
            while (line.contains("\"event\"")) {
                line = answers.nextLine();
            }
            assertTrue(line.contains("\"return\""), line);
            return line;
        }

        @Override
        public void close() throws IOException {
            channel.close();
        }
    }

    /** One port is closed, others and everything else pass; replaced again and again under a transfer. */
    @Test
    void aFilterClosesOnePortAndIsReplacedUnderATransfer() throws Exception {
        Path filter = Clang.program(directory, "portfilter");
        Path ports = Files.writeString(directory.resolve("ports.json"), "{\"5001\": 0}");
        try (SwitchProcess ethernet = ethernet("--program", "0=" + filter, "--map", "blocked=" + ports);
                LinuxGuest a = LinuxGuest.start(socketA, 1, "");
                LinuxGuest b = LinuxGuest.start(socketB, 2, "packed=on")) {
            a.awaitBoot();
            b.awaitBoot();
            assertPings(a, SECOND);
            copy(a, b, SECOND, 5000, 5000);
            b.send("nc -l -p 5001 > /tmp/none &");
            String refused = a.run("echo x | nc -w 2 " + SECOND + " 5001 && echo opened || echo closed");
            assertTrue(refused.contains("closed") && !refused.contains("opened"), refused);
            try (Client client = new Client()) {
                String dump = client.ask(
                        "{\"execute\": \"x-bpf-map-dump\", \"arguments\": {\"map\": \"blocked\"}}");
                assertTrue(dump.matches(".*\"key\": 5001, \"values\": \\[[1-9].*"), dump);
                b.receive(5002);
                String digest = a.makeFile(MEBIBYTES);
                a.send("until nc " + SECOND + " 5002 < /tmp/file; do :; done; echo \"sent\"=yes.");
                for (int i = 0; i < REPLACEMENTS; i++) {
                    client.ask("{\"execute\": \"x-bpf-replace\", \"arguments\": {\"program\": \"portfilter\","
                            + " \"file\": \"" + filter + "\"}}");
                }
                assertEquals(digest, b.received());
                assertCounted(client);
            }
            assertPings(b, LinuxGuest.address(1));
            assertEquals(List.of(), ethernet.warnings());
        }
    }

    /** Each packet that the guest has sent was counted by the program once, with one verdict. */
    private static void assertCounted(Client client) throws IOException {
        String query = client.ask("{\"execute\": \"query-bpf\"}");
        long packets = number(query, "packets");
        long verdicts = number(query, "aborted") + number(query, "dropped") + number(query, "passed")
                + number(query, "transmitted") + number(query, "redirected");
        assertEquals(packets, verdicts, query);
        assertEquals(0, number(query, "aborted"), query);
    }

    private static long number(String json, String member) {
        int at = json.indexOf("\"" + member + "\": ") + member.length() + 4;
        return Long.parseLong(json.substring(at, json.indexOf(',', at)));
    }

    /** A service at an address that nobody has, with checksums that the guests leave to the device. */
    @Test
    void aTranslatedAddressIsServed() throws Exception {
        String virtual = LinuxGuest.address(200);
        Path nat = Clang.program(directory, "dnat");
        try (SwitchProcess ethernet = ethernet("--program", "0=" + nat + ":there",
                        "--program", "1=" + nat + ":back",
                        "--program-set", "virtual_address=" + address(virtual),
                        "--program-set", "server_address=" + address(SECOND),
                        "--program-set", "virtual_port=5000", "--program-set", "server_port=5010");
                LinuxGuest a = LinuxGuest.start(socketA, 1, "");
                LinuxGuest b = LinuxGuest.start(socketB, 2, "")) {
            a.awaitBoot();
            b.awaitBoot();
            // Nobody answers for the address: its packets go to the second guest's card.
            a.run("ping -c 1 " + SECOND);
            a.run("arp -s " + virtual + " 52:54:00:77:00:02");
            copy(a, b, virtual, 5000, 5010);
            copy(b, a, LinuxGuest.address(1), 5003, 5003);
            assertEquals(List.of(), ethernet.warnings());
        }
    }

    private static long address(String text) throws IOException {
        return Integer.toUnsignedLong(ByteBuffer.wrap(InetAddress.getByName(text).getAddress())
                .order(ByteOrder.nativeOrder()).getInt());
    }

    /** Guests in different VLANs meet: the tag of one's frames is made the other's, and back. */
    @Test
    void tagsAreRewritten() throws Exception {
        Path vlan = Clang.program(directory, "vlanmap");
        Path there = Files.writeString(directory.resolve("there.json"), "{\"5\": 6, \"6\": 5}");
        try (SwitchProcess ethernet = ethernet("--program", "0=" + vlan, "--program", "1=" + vlan,
                        "--map", "tags=" + there);
                LinuxGuest a = LinuxGuest.start(socketA, 1, "");
                LinuxGuest b = LinuxGuest.start(socketB, 2, "packed=on")) {
            a.awaitBoot();
            b.awaitBoot();
            tag(a, 5, "10.78.0.1");
            tag(b, 6, "10.78.0.2");
            assertPings(a, "10.78.0.2");
            copy(a, b, "10.78.0.2", 5000, 5000);
            copy(b, a, "10.78.0.1", 5000, 5000);
            assertEquals(List.of(), ethernet.warnings());
        }
    }

    private static void tag(LinuxGuest guest, int id, String address) {
        guest.run("ip link add link eth0 name tagged type vlan id " + id + " && ip addr add " + address
                + "/24 dev tagged && ip link set tagged up");
    }

    /** Of a flood of pings those pass that the limit allows. */
    @Test
    void aRateLimitHoldsPingsBack() throws Exception {
        Path limiter = Clang.program(directory, "ratelimit");
        try (SwitchProcess _ = ethernet("--program", "0=" + limiter, "--program-set", "limit=20");
                LinuxGuest a = LinuxGuest.start(socketA, 1, "");
                LinuxGuest b = LinuxGuest.start(socketB, 2, "")) {
            a.awaitBoot();
            b.awaitBoot();
            String output = a.run("ping -q -c 40 -i 0.05 -W 1 " + SECOND + "; true");
            int received = Integer.parseInt(output.replaceAll("(?s).* (\\d+) packets received.*", "$1"));
            assertTrue(received > 0 && received <= 20, output);
        }
    }
}
