package io.vhost.app.vswitch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.capture.CaptureBlocks;
import io.vhost.os.TapDevice;
import io.vhost.peer.Peers;
import io.vhost.peer.Program;
import io.vhost.peer.SwitchProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code switch --tap} with an interface that it may not have, and with one that root has prepared. */
@Tag("peer")
class SwitchTapTest {
    private static final String NAME = "vhosttap%d".formatted(ProcessHandle.current().pid() % 100_000);
    /** The same user, who may do nothing special. */
    private static final List<String> UNPRIVILEGED =
            List.of("setpriv", "--bounding-set=-all", "--inh-caps=-all");

    @TempDir
    private Path directory;
    private boolean prepared;

    @BeforeEach
    void needs() {
        Peers.require("ip", "setpriv");
        Peers.requireTap();
    }

    @AfterEach
    void removeInterface() {
        if (prepared) {
            ip("link", "del", NAME);
        }
    }

    private static void ip(String... words) {
        List<String> command = new ArrayList<>(List.of("ip"));
        command.addAll(List.of(words));
        try (Program ip = Program.start(command)) {
            assertEquals(0, ip.exitStatus(), ip::output);
        }
    }

    private void prepare(String user) {
        ip("tuntap", "add", "dev", NAME, "mode", "tap", "user", user);
        prepared = true;
    }

    private void refused(List<String> launcher, String reason, String... more) {
        Path socket = directory.resolve("socket");
        List<String> options = new ArrayList<>(List.of("--socket-path", socket.toString(), "--tap", NAME));
        options.addAll(List.of(more));
        String output = SwitchProcess.refusal(launcher, options.toArray(String[]::new));
        assertTrue(output.contains("vhost: ") && output.contains(reason), output);
        assertFalse(output.contains("Exception"), output);
        assertFalse(Files.exists(socket));
    }

    @Test
    void whoMayNotCreateInterfacesIsTold() {
        refused(UNPRIVILEGED, "open tap " + NAME + ": EPERM");
        refused(UNPRIVILEGED,
                "or let root prepare the interface: ip tuntap add dev " + NAME + " mode tap user NAME");
    }

    @Test
    void somebodyElsesInterfaceIsRefused() {
        prepare("nobody");
        refused(UNPRIVILEGED, "this needs CAP_NET_ADMIN");
    }

    @Test
    void anInterfaceInUseIsRefused() {
        try (TapDevice _ = TapDevice.open(NAME)) {
            refused(List.of(), "another process uses the interface; give another name, or end that process");
        }
    }

    @Test
    void anMtuThatTheKernelDoesNotTakeIsRefused() {
        refused(List.of(), "set MTU 65535 of tap " + NAME, "--mtu", "65535");
    }

    @Test
    void whatRootHasPreparedNeedsNoPrivileges() {
        prepare("root");
        refused(UNPRIVILEGED, "let root do it before: ip link set dev " + NAME + " up");
        ip("link", "set", "dev", NAME, "up");
        refused(UNPRIVILEGED, "let root do it before: ip link set dev " + NAME + " mtu 1400",
                "--mtu", "1400");
        Path socket = directory.resolve("socket");
        try (SwitchProcess _ =
                SwitchProcess.start(UNPRIVILEGED, "--socket-path", socket.toString(), "--tap", NAME)) {
            assertTrue(Files.exists(socket));
        }
    }

    /** The interface's number comes after those of the sockets. */
    @Test
    void whatPassesTheInterfaceIsRecorded() throws IOException {
        Peers.require("ping");
        Path file = directory.resolve("tap.pcapng");
        try (SwitchProcess _ = SwitchProcess.start(List.of(), "--socket-path",
                directory.resolve("socket").toString(), "--tap", NAME, "--capture", "1=" + file)) {
            ip("addr", "add", "198.51.100.1/24", "dev", NAME);
            try (Program ping = Program.start(List.of("ping", "-c", "1", "-W", "1", "198.51.100.2"))) {
                assertEquals(1, ping.exitStatus(), ping::output);
            }
        }
        assertTrue(CaptureBlocks.of(CaptureBlocks.of(file), CaptureBlocks.PACKET).stream()
                .anyMatch(one -> isArp(one.packet())));
    }

    private static boolean isArp(byte[] packet) {
        return packet.length >= 14 && packet[12] == 8 && packet[13] == 6;
    }
}
