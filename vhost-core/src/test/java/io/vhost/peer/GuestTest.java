package io.vhost.peer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Linux guests behind {@code vhost switch}. {@code -Dguests=full} tries more of everything. */
@Tag("peer")
class GuestTest {
    private static final boolean FULL = "full".equals(System.getProperty("guests"));
    private static final int MEBIBYTES = FULL ? 64 : 8;
    private static final int TIMES = FULL ? 10 : 2;
    private static final String NO_OFFLOADS = "csum=off,guest_csum=off,gso=off,host_tso4=off,host_tso6=off,host_ecn=off,"
            + "guest_tso4=off,guest_tso6=off,guest_ecn=off";

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

    private static void copy(LinuxGuest from, LinuxGuest to, String address) {
        to.receive(5000);
        String digest = from.makeFile(MEBIBYTES);
        from.sendFile(address, 5000);
        assertEquals(digest, to.received());
    }

    static Stream<String> cards() {
        Stream<String> few = Stream.of("", NO_OFFLOADS + ",mrg_rxbuf=off,event_idx=off,indirect_desc=off");
        return FULL
                ? Stream.concat(few, Stream.of("event_idx=off", "indirect_desc=off", "mrg_rxbuf=off", NO_OFFLOADS,
                        "guest_tso4=off,guest_tso6=off,guest_ecn=off", "host_tso4=off,host_tso6=off,host_ecn=off",
                        "guest_csum=off,guest_tso4=off,guest_tso6=off,guest_ecn=off,guest_ufo=off"))
                : few;
    }

    /** The second guest has all features, so what one sends uncut the other may not take. */
    @ParameterizedTest
    @MethodSource("cards")
    void guestsPingAndCopyWhateverTheyNegotiate(String card) throws InterruptedException {
        try (SwitchProcess ethernet = ethernet();
                LinuxGuest a = first(card);
                LinuxGuest b = second("")) {
            a.awaitBoot();
            b.awaitBoot();
            assertTrue(a.run("ping -c 5 -i 0.2 " + LinuxGuest.address(2)).contains(" 0% packet loss"), a.output());
            copy(a, b, LinuxGuest.address(2));
            copy(b, a, LinuxGuest.address(1));
            double idle = ethernet.cpuPercent(Duration.ofSeconds(FULL ? 10 : 4));
            assertTrue(idle < 2, "an idle switch used " + idle + " % of a CPU");
            assertTrue(a.run("ping -c 1 " + LinuxGuest.address(2)).contains(" 0% packet loss"));
        }
    }

    @Test
    void aGuestGoesOnWhenTheSwitchIsKilledAndStartedAgain() {
        try (LinuxGuest a = beginning(socketA, 1);
                LinuxGuest b = beginning(socketB, 2)) {
            SwitchProcess ethernet = ethernet();
            try {
                a.awaitBoot();
                b.awaitBoot();
                for (int i = 0; i < TIMES; i++) {
                    a.awaitPing(LinuxGuest.address(2));
                    ethernet.close();
                    ethernet = ethernet();
                }
                a.awaitPing(LinuxGuest.address(2));
                ethernet.close();
                ethernet = ethernet("--without", "mrg_rxbuf");
                a.await("lacks feature mask");
                ethernet.close();
                ethernet = ethernet();
                a.awaitPing(LinuxGuest.address(2));
                for (int i = 0; i < TIMES; i++) {
                    b.send("reboot -f");
                    b.awaitBoot();
                    a.awaitPing(LinuxGuest.address(2));
                }
                b.kill();
                try (LinuxGuest again = second("")) {
                    again.awaitBoot();
                    a.awaitPing(LinuxGuest.address(2));
                }
            } finally {
                ethernet.close();
            }
        }
    }

    /** Started before anybody listens: QEMU tries again every second. */
    private static LinuxGuest beginning(String socket, int number) {
        return LinuxGuest.start(Path.of(socket), number, "");
    }

    @Test
    void aGuestAndThisMachineCopyOverTap() throws IOException {
        Peers.require("ip");
        Peers.requireTap();
        String tap = "vhost%d".formatted(ProcessHandle.current().pid() % 100_000);
        String here = LinuxGuest.address(254);
        try (SwitchProcess ethernet = ethernet("--tap", tap);
                LinuxGuest a = first("")) {
            try (Program ip = Program.start(List.of("ip", "addr", "add", here + "/24", "dev", tap))) {
                assertEquals(0, ip.exitStatus(), ip::output);
            }
            a.awaitBoot();
            a.awaitPing(here);
            try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getByName(here))) {
                String digest = a.makeFile(MEBIBYTES);
                a.send("until nc " + here + " " + server.getLocalPort() + " < /tmp/file; do :; done; echo \"sent\"=yes.");
                try (Socket socket = server.accept()) {
                    assertEquals(digest, md5(socket.getInputStream().readAllBytes()));
                }
                a.await("sent=yes.");
            }
            byte[] bytes = new byte[MEBIBYTES << 20];
            new Random(1).nextBytes(bytes);
            a.receive(5000);
            try (Socket socket = connect(LinuxGuest.address(1), 5000)) {
                socket.getOutputStream().write(bytes);
            }
            assertEquals(md5(bytes), a.received());
            assertFalse(ethernet.output().contains("WARNING"), ethernet.output());
        }
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

    @Test
    void aGuestUsesBothQueuePairs() {
        try (SwitchProcess ethernet = ethernet("--queues", "2");
                LinuxGuest a = LinuxGuest.start(Path.of(socketA), 1, "mq=on", 2);
                LinuxGuest b = second("")) {
            a.awaitBoot();
            b.awaitBoot();
            a.awaitPing(LinuxGuest.address(2));
            String queues = a.run("echo /sys/class/net/eth0/queues/*");
            assertTrue(queues.contains("rx-1") && queues.contains("tx-1"), queues);
            copy(b, a, LinuxGuest.address(1));
            copy(a, b, LinuxGuest.address(2));
            assertFalse(ethernet.output().contains("WARNING"), ethernet.output());
        }
    }

    @Test
    void aGuestMovesToAnotherProcessWhileItReceives() throws IOException {
        Path socketC = directory.resolve("c.sock");
        Path monitor = directory.resolve("qmp");
        Path migration = directory.resolve("migration.sock");
        try (SwitchProcess ethernet = ethernet("--socket-path", socketC.toString());
                LinuxGuest a = LinuxGuest.start(Path.of(socketA), 1, "", "-qmp", "unix:" + monitor + ",server=on,wait=off");
                LinuxGuest b = second("");
                LinuxGuest target = LinuxGuest.start(socketC, 1, "", "-incoming", "unix:" + migration)) {
            a.awaitBoot();
            b.awaitBoot();
            b.awaitPing(LinuxGuest.address(1));
            String digest = b.makeFile(64);
            a.receive(5000);
            b.send("until nc " + LinuxGuest.address(1) + " 5000 < /tmp/file; do :; done; echo \"sent\"=yes.");
            try (QemuMonitor qmp = QemuMonitor.connect(monitor)) {
                qmp.execute("migrate", "{\"uri\":\"unix:" + migration + "\"}");
                qmp.awaitMigration();
            }
            assertEquals(digest, target.received());
            b.await("sent=yes.");
            b.awaitPing(LinuxGuest.address(1));
            assertFalse(ethernet.output().contains("WARNING"), ethernet.output());
        }
    }
}
