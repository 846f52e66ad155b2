package io.vhost.peer;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.vhost.app.Await;
import io.vhost.driver.DriverConfig;
import io.vhost.driver.VirtioUser;
import io.vhost.net.Packet;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * {@code switch} beside Open vSwitch, as the driver of its back-end and as the back-end of its driver. An
 * interface of this machine behind ours talks to that of its bridge: ping, in a VLAN, and TCP both ways. Then
 * either side is killed and started again ({@code -Dovs.kills}, 2).
 */
@Tag("peer")
@Timeout(value = 900, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class OpenVSwitchTest {
    private static final int KILLS = Integer.getInteger("ovs.kills", 2);
    private static final int BYTES = 20_000_000;
    private static final String NUMBER = "%d".formatted(ProcessHandle.current().pid() % 100_000);
    private static final String OURS = "vo" + NUMBER;
    private static final String THEIRS = "vt" + NUMBER;
    private static final String TAP = "vtap0";
    /** An ARP request with VLAN tag 7, from 10.212.0.9 for 10.212.0.1 (RFC 826, IEEE 802.1Q). */
    private static final byte[] QUESTION = HexFormat.of().parseHex("ffffffffffff" + "020000000007"
            + "81000007" + "0806" + "0001080006040001" + "020000000007" + "0ad40009" + "000000000000"
            + "0ad40001" + "00".repeat(14));

    @TempDir
    private Path directory;

    private OpenVSwitch theirs;
    private SwitchProcess ours;

    /** How the two are connected. */
    enum Side {
        /** We are the driver, and connect to OVS. */
        UPLINK("--uplink", "type=dpdkvhostuser"),
        /** We are the driver, and OVS connects to us. */
        UPLINK_LISTEN("--uplink-listen", "type=dpdkvhostuserclient options:vhost-server-path=SOCKET"),
        /** OVS is the driver, and connects to us; without reconnects, which DPDK does not have there. */
        SOCKET_PATH("--socket-path", "type=dpdk"
                + " options:dpdk-devargs=net_virtio_user0,path=SOCKET,queues=1,queue_size=1024"),
        /** OVS is the driver, and listens. */
        CONNECT("--connect", "type=dpdk"
                + " options:dpdk-devargs=net_virtio_user0,path=SOCKET,server=1,queues=1,queue_size=1024");

        private final String option;
        private final String settings;

        Side(String option, String settings) {
            this.option = option;
            this.settings = settings;
        }
    }

    @BeforeEach
    void begin() {
        OpenVSwitch.require();
        ip("netns", "add", OURS);
        ip("netns", "add", THEIRS);
    }

    @AfterEach
    void end() {
        if (ours != null) {
            ours.close();
        }
        if (theirs != null) {
            theirs.close();
        }
        for (String name : List.of(OURS, THEIRS)) {
            try (Program delete = Program.start(List.of("ip", "netns", "del", name))) {
                int _ = delete.exitStatus();
            }
        }
    }

    private static void ip(String... words) {
        List<String> command = new ArrayList<>(List.of("ip"));
        command.addAll(List.of(words));
        try (Program ip = Program.start(command)) {
            assertEquals(0, ip.exitStatus(), () -> command + "\n" + ip.output());
        }
    }

    private void startOurs(Side side, Path socket) {
        ours = SwitchProcess.start(List.of("ip", "netns", "exec", OURS), side.option, socket.toString(),
                "--tap", TAP, "--socket-path", guests().toString());
        ip("-n", OURS, "addr", "add", "10.211.0.2/24", "dev", TAP);
    }

    private void addPort(Side side, Path socket) {
        theirs.addPort("vh0", side.settings.replace("SOCKET", socket.toString()).split(" ", -1));
    }

    /** Waits for answers, through whatever comes back first. */
    private void ping(String address) {
        try (Program ping = Program.start(List.of("ip", "netns", "exec", OURS,
                "ping", "-c", "3", "-i", "0.2", "-w", "50", address))) {
            assertEquals(0, ping.exitStatus(), () -> ping.output() + "\n" + ours.output() + theirs.output());
        }
    }

    private Path guests() {
        return directory.resolve("guests");
    }

    /** A guest of ours asks in a VLAN for the address of the bridge's interface, and gets the answer. */
    private void vlan() throws IOException {
        theirs.addVlan("vlan7", 7, "10.212.0.1/24");
        try (VirtioUser guest = VirtioUser.connect(guests(), DriverConfig.defaults())) {
            Packet[] packets = new Packet[32];
            Await.until("the answer comes, with its tag", () -> {
                int asked = guest.pool().take(packets, 0, 1);
                packets[0].copyFrom(QUESTION, 0, QUESTION.length);
                guest.pool().release(packets, 0, asked - guest.transmitBurst(0, packets, 0, asked));
                boolean answered = false;
                boolean _ = guest.awaitPackets(0, 100);
                int count = guest.receiveBurst(0, packets, 0, packets.length);
                for (int i = 0; i < count; i++) {
                    answered |= isAnswer(packets[i]);
                }
                guest.pool().release(packets, 0, count);
                return answered;
            });
        }
    }

    private static boolean isAnswer(Packet packet) {
        return packet.length() >= 46
                && packet.networkLongAt(0) >>> 16 == 0x02_00_00_00_00_07L
                && packet.networkIntAt(12) == 0x8100_0007
                && packet.networkShortAt(16) == 0x0806
                && packet.networkShortAt(24) == 2
                && packet.networkIntAt(32) == 0x0A_D4_00_01;
    }

    /** To us and back, every byte. */
    private void tcp() throws IOException {
        Path sent = directory.resolve("sent");
        Path received = directory.resolve("received");
        byte[] bytes = new byte[BYTES];
        new Random(1).nextBytes(bytes);
        Files.write(sent, bytes);
        try (Program echo = Program.start(List.of("ip", "netns", "exec", OURS,
                "socat", "-d", "-d", "TCP-LISTEN:7000,reuseaddr", "EXEC:cat"))) {
            echo.await("listening on");
            try (Program client = Program.start(List.of("ip", "netns", "exec", THEIRS, "sh", "-c",
                    "socat -t 20 - TCP:10.211.0.2:7000 < " + sent + " > " + received))) {
                assertEquals(0, client.exitStatus(), client::output);
            }
        }
        assertEquals(-1, Files.mismatch(sent, received));
    }

    @ParameterizedTest
    @EnumSource
    void packetsPassBothWaysAndAgainAfterEitherSideWasKilled(Side side) throws IOException {
        Path home = Files.createDirectory(directory.resolve("ovs"));
        theirs = OpenVSwitch.start(home, THEIRS, "10.211.0.1/24");
        Path socket = theirs.socket("vh0");
        boolean oursListens = side == Side.UPLINK_LISTEN || side == Side.SOCKET_PATH;
        if (oursListens || side == Side.CONNECT) {
            // A front-end of DPDK's waits for its back-end within this command.
            startOurs(side, socket);
            addPort(side, socket);
        } else {
            addPort(side, socket);
            startOurs(side, socket);
        }
        ping("10.211.0.1");
        vlan();
        tcp();
        for (int i = 0; i < KILLS && side != Side.SOCKET_PATH; i++) {
            ours.close();
            startOurs(side, socket);
            ping("10.211.0.1");
        }
        for (int i = 0; i < KILLS; i++) {
            theirs.killAndRestart(oursListens ? new Path[0] : new Path[] {socket});
            ping("10.211.0.1");
        }
        tcp();
        assertEquals(List.of(), ours.warnings().stream()
                .filter(line -> !line.contains("the back-end is gone")).toList());
    }
}
