package io.vhost.peer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Linux guests behind {@code vhost switch}. {@code -Dguests=full} tries more of everything. */
@Tag("peer")
class GuestTest {
    private static final boolean FULL = "full".equals(System.getProperty("guests"));
    private static final int MEBIBYTES = 64;
    private static final int FEWER_MEBIBYTES = FULL ? 64 : 8;
    private static final int PINGS = FULL ? 500 : 100;
    private static final int IDLE_SECONDS = FULL ? 10 : 4;
    private static final String NO_HOST_TSO = "host_tso4=off,host_tso6=off,host_ecn=off,host_ufo=off";
    private static final String NO_GUEST_TSO = "guest_tso4=off,guest_tso6=off,guest_ecn=off,guest_ufo=off";
    private static final String NO_OFFLOADS =
            "csum=off,guest_csum=off,gso=off," + NO_HOST_TSO + "," + NO_GUEST_TSO;
    private static final String LEAST = NO_OFFLOADS + ",mrg_rxbuf=off,event_idx=off,indirect_desc=off";
    private static final List<String> WITHOUT = List.of(
            "event_idx=off", "indirect_desc=off", "mrg_rxbuf=off",
            NO_OFFLOADS, NO_GUEST_TSO, NO_HOST_TSO,
            "csum=off,gso=off," + NO_HOST_TSO, "guest_csum=off," + NO_GUEST_TSO);
    private static final String PACKED = "packed=on";

    @TempDir
    private Path directory;
    private String socketA;
    private String socketB;

    @BeforeEach
    void needs() {
        LinuxGuest.require();
        socketA = directory.resolve("a.sock").toString();
        socketB = directory.resolve("b.sock").toString();
    }

    private SwitchProcess ethernet(String... more) {
        return SwitchProcess.start(Stream.concat(
                Stream.of("--socket-path", socketA + "," + socketB), Stream.of(more)).toArray(String[]::new));
    }

    private LinuxGuest first(String card) {
        return LinuxGuest.start(Path.of(socketA), 1, card);
    }

    private LinuxGuest second(String card) {
        return LinuxGuest.start(Path.of(socketB), 2, card);
    }

    private static void copy(LinuxGuest from, LinuxGuest to, String address, int mebibytes) {
        to.receive(5000);
        String digest = from.makeFile(mebibytes);
        from.sendFile(address, 5000);
        assertEquals(digest, to.received());
    }

    /** Of two guests, the second as it comes or with packed rings as well. */
    static Stream<Arguments> cards() {
        Stream<Arguments> few = Stream.of(
                Arguments.of("", ""),
                Arguments.of(LEAST, ""),
                Arguments.of(PACKED, PACKED),
                Arguments.of(PACKED + "," + LEAST, ""));
        return FULL
                ? Stream.of(
                        few,
                        WITHOUT.stream().map(card -> Arguments.of(card, "")),
                        Stream.of(Arguments.of(PACKED, "")),
                        WITHOUT.stream().map(card -> Arguments.of(PACKED + "," + card, PACKED)))
                        .flatMap(cards -> cards)
                : few;
    }

    /**
     * Between guests, and between a guest and this machine. The second guest and this machine have all
     * offloads, so what they send uncut the first one may not take.
     */
    @ParameterizedTest
    @MethodSource("cards")
    void guestsAndThisMachinePingAndCopyWhateverTheyNegotiate(String card, String other)
            throws IOException {
        Peers.require("ip");
        Peers.requireTap();
        int mebibytes = card.equals(other) ? MEBIBYTES : FEWER_MEBIBYTES;
        String tap = "vhost%d".formatted(ProcessHandle.current().pid() % 100_000);
        String here = LinuxGuest.address(254);
        try (SwitchProcess ethernet = ethernet("--tap", tap);
                LinuxGuest a = first(card);
                LinuxGuest b = second(other)) {
            assign(here, tap);
            a.awaitBoot();
            b.awaitBoot();
            assertEquals(card.startsWith(PACKED), a.hasPackedRings());
            assertEquals(other.equals(PACKED), b.hasPackedRings());
            for (String address : List.of(LinuxGuest.address(2), here)) {
                assertTrue(a.run("ping -c 5 -i 0.2 " + address).contains(" 0% packet loss"), a.output());
            }
            copy(a, b, LinuxGuest.address(2), mebibytes);
            copy(b, a, LinuxGuest.address(1), mebibytes);
            copyHere(a, here, mebibytes);
            copyFromHere(a, LinuxGuest.address(1), mebibytes);
            if (card.equals(other)) {
                double idle = ethernet.cpuPercent(IDLE_SECONDS);
                assertTrue(idle < 2, "an idle switch used " + idle + " % of a CPU");
                System.out.printf("idle switch with two guests%s: %.1f %% of a CPU over %d s%n",
                        card.isEmpty() ? "" : " (" + card + ")", idle, IDLE_SECONDS);
            }
            // The switch sleeps before each of these. If it missed a kick,
            // it would sleep on for longer than ping waits.
            String answered = a.run("n=0; for i in $(seq " + PINGS + "); do ping -q -c 1 -W 5 "
                    + LinuxGuest.address(2) + " > /dev/null && n=$((n+1)); done; echo answered $n");
            assertTrue(answered.contains("answered " + PINGS), answered);
            assertEquals(List.of(), ethernet.warnings());
        }
    }

    private static void assign(String address, String tap) {
        try (Program ip = Program.start(List.of("ip", "addr", "add", address + "/24", "dev", tap))) {
            assertEquals(0, ip.exitStatus(), ip::output);
        }
    }

    private static void copyHere(LinuxGuest from, String here, int mebibytes) throws IOException {
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getByName(here))) {
            String digest = from.makeFile(mebibytes);
            from.send("until nc " + here + " " + server.getLocalPort()
                    + " < /tmp/file; do :; done; echo \"sent\"=yes.");
            try (Socket socket = server.accept()) {
                assertEquals(digest, md5(socket.getInputStream().readAllBytes()));
            }
            from.await("sent=yes.");
        }
    }

    private static void copyFromHere(LinuxGuest to, String address, int mebibytes) throws IOException {
        byte[] bytes = new byte[mebibytes << 20];
        new Random(1).nextBytes(bytes);
        to.receive(5001);
        try (Socket socket = connect(address, 5001)) {
            socket.getOutputStream().write(bytes);
        }
        assertEquals(md5(bytes), to.received());
    }

    /** The guest's shell may not have come to listen yet. */
    private static Socket connect(String address, int port) throws IOException {
        for (int i = 0; ; i++) {
            try {
                return new Socket(address, port);
            } catch (ConnectException refused) {
                if (i == 10_000) {
                    throw refused;
                }
            }
        }
    }

    private static String md5(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("MD5").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", PACKED + ","})
    void aGuestUsesBothQueuePairs(String ring) {
        try (SwitchProcess ethernet = ethernet("--queues", "2");
                LinuxGuest a = LinuxGuest.start(Path.of(socketA), 1, ring + "mq=on", 2);
                LinuxGuest b = second("")) {
            a.awaitBoot();
            b.awaitBoot();
            assertEquals(!ring.isEmpty(), a.hasPackedRings());
            a.awaitPing(LinuxGuest.address(2));
            String queues = a.run("echo /sys/class/net/eth0/queues/*");
            assertTrue(queues.contains("rx-1") && queues.contains("tx-1"), queues);
            copy(b, a, LinuxGuest.address(1), FEWER_MEBIBYTES);
            copy(a, b, LinuxGuest.address(2), FEWER_MEBIBYTES);
            assertEquals(List.of(), ethernet.warnings());
        }
    }
}
