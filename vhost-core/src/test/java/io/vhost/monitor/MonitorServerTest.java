package io.vhost.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.vhost.peer.Peers;
import io.vhost.peer.Program;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Where a monitor may listen, and whom it serves. */
@Timeout(60)
class MonitorServerTest {
    @TempDir
    private Path directory;

    @Test
    void aDirectoryThatEveryoneMayChangeIsRefused() throws IOException {
        Path open = Files.createDirectory(directory.resolve("open"));
        Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxrwxrwx"));
        assertTrue(refusal(open.resolve("m")).contains("chmod o-w"), refusal(open.resolve("m")));
        assertFalse(Files.exists(open.resolve("m")));
    }

    private static String refusal(Path path) {
        return assertThrows(IOException.class,
                () -> MonitorServer.listen(path, MonitorConfig.builder().build())).getMessage();
    }

    @Test
    void aDirectoryThatEveryoneMayChangeIsTakenIfNobodyMayRemoveWhatIsAnothers() throws IOException {
        Path open = Files.createDirectory(directory.resolve("open"));
        Files.setAttribute(open, "unix:mode", 01777);
        Path path = open.resolve("m");
        try (Monitor _ = new Monitor(path, config -> config); Client client = Client.connect(path)) {
            assertTrue(client.line().startsWith("{\"QMP\""));
        }
    }

    @Test
    void aPathThatIsTakenIsRefusedAndWhatIsThereGoesOn() throws IOException {
        Path path = directory.resolve("m");
        try (Monitor _ = new Monitor(path, config -> config); Client client = Client.negotiated(path)) {
            assertTrue(refusal(path)
                    .contains("a live process listens there; stop it, or choose another path"),
                    refusal(path));
            assertTrue(client.call("{'execute':'query-name'}").startsWith("{\"return\""));
        }
        Path file = Files.writeString(directory.resolve("file"), "precious");
        assertTrue(refusal(file).contains("a file that is not a socket"), refusal(file));
        assertEquals("precious", Files.readString(file));
        Path link = Files.createSymbolicLink(directory.resolve("link"), file);
        assertTrue(refusal(link).contains("a file that is not a socket"), refusal(link));
        Path nowhere = directory.resolve("missing").resolve("m");
        assertTrue(refusal(nowhere).contains("ENOENT"), refusal(nowhere));
    }

    @Test
    void aMonitorWhoseBacklogIsFullIsALiveOne() {
        Path path = directory.resolve("m");
        try (Monitor _ = new Monitor(path, MonitorConfig.Builder::exclusive);
                Client _ = Client.negotiated(path);
                Client _ = Client.connect(path);
                Client _ = Client.connect(path)) {
            assertTrue(refusal(path).contains("a live process listens there"), refusal(path));
        }
    }

    @Test
    void theSocketFileIsTheOwnersAlone() throws IOException {
        Path path = directory.resolve("m");
        try (Monitor _ = new Monitor(path, config -> config)) {
            assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(path)));
        }
    }

    @Test
    void onlyUsersOnTheListAreServedAndEachClientIsLogged() throws IOException {
        Path path = directory.resolve("m");
        int self = (Integer) Files.getAttribute(directory, "unix:uid");
        LogLines log = new LogLines();
        try (log) {
            try (Monitor _ = new Monitor(path, config -> config.allowUser(self + 1));
                    Client client = Client.connect(path)) {
                assertNull(client.line());
            }
            try (Monitor _ = new Monitor(path, config -> config.allowUser(self + 1).allowUser(self));
                    Client client = Client.connect(path)) {
                assertTrue(client.line().startsWith("{\"QMP\""));
            }
        }
        String who = "monitor client 1: pid " + ProcessHandle.current().pid() + ", uid " + self;
        assertEquals(List.of("(" + path + ") " + who + ", refused: this user is not on the list",
                "(" + path + ") " + who),
                log.with("uid"));
    }

    @Test
    void groupsCanBeOnTheListToo() throws IOException {
        Path path = directory.resolve("m");
        int self = (Integer) Files.getAttribute(directory, "unix:uid");
        int group = (Integer) Files.getAttribute(Files.createFile(directory.resolve("own")), "unix:gid");
        try (Monitor _ = new Monitor(path, config -> config.allowGroup(group + 1));
                Client client = Client.connect(path)) {
            assertNull(client.line());
        }
        try (Monitor _ = new Monitor(path, config -> config.allowGroup(group));
                Client client = Client.connect(path)) {
            assertTrue(client.line().startsWith("{\"QMP\""));
        }
        try (Monitor _ = new Monitor(path, config -> config.allowGroup(group + 1).allowUser(self));
                Client client = Client.connect(path)) {
            assertTrue(client.line().startsWith("{\"QMP\""));
        }
    }

    @Test
    void theSocketFilesPermissionsAreThoseAskedFor() throws IOException {
        Path path = directory.resolve("m");
        for (String permissions : List.of("rw-rw----", "rw-rw-rw-", "rw-------", "-w--w----")) {
            try (Monitor _ = new Monitor(path,
                    config -> config.permissions(PosixFilePermissions.fromString(permissions)))) {
                assertEquals(permissions,
                        PosixFilePermissions.toString(Files.getPosixFilePermissions(path)));
            }
        }
    }

    /** Somebody else connects where the file lets him, and is judged by who he is. */
    @Tag("peer")
    @Test
    void aSocketThatIsOpenToAllWithAListServesThoseOnIt() throws IOException {
        Path path = directory.resolve("m");
        int self = (Integer) Files.getAttribute(directory, "unix:uid");
        assumeTrue(self == 0, "needs root, to be somebody else");
        int other = 65_534;
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
        List<String> client = List.of("setpriv", "--reuid=" + other, "--regid=" + other, "--clear-groups",
                "socat", "-t", "5", "-", "UNIX-CONNECT:" + path);
        assertTrue(runs(path, config -> config, client).contains("Permission denied"));
        Set<PosixFilePermission> all = PosixFilePermissions.fromString("rw-rw-rw-");
        assertTrue(runs(path, config -> config.permissions(all), client).startsWith("{\"QMP\""));
        assertEquals("", runs(path, config -> config.permissions(all).allowUser(self), client));
        assertTrue(runs(path, config -> config.permissions(all).allowUser(other), client)
                .startsWith("{\"QMP\""));
        assertTrue(runs(path, config -> config.permissions(all).allowGroup(other), client)
                .startsWith("{\"QMP\""));
    }

    /** What a client prints that has nothing to say. */
    private static String runs(Path path, UnaryOperator<MonitorConfig.Builder> wishes, List<String> client) {
        Peers.require("setpriv", "socat");
        List<String> command = new ArrayList<>(List.of("bash", "-c", "exec \"$@\" < /dev/null", "bash"));
        command.addAll(client);
        try (Monitor _ = new Monitor(path, wishes); Program program = Program.start(command)) {
            program.exitStatus();
            return program.output();
        }
    }

    @Test
    void aPathThatIsTooLongIsRefused() {
        Path path = directory.resolve("x".repeat(120));
        assertTrue(refusal(path).contains("a Unix socket's may have 107"), refusal(path));
    }

    @Test
    void commandsThatChangeSomethingCanBeSwitchedOn() {
        Path path = directory.resolve("m");
        try (Monitor _ = new Monitor(path, MonitorConfig.Builder::mutating);
                Client client = Client.negotiated(path)) {
            assertTrue(client.call("{'execute':'x-change'}").startsWith("{\"return\""));
        }
    }
}
