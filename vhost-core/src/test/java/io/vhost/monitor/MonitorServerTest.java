package io.vhost.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;
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
        List<String> log = new CopyOnWriteArrayList<>();
        Logger logger = Logger.getLogger("io.vhost.monitor");
        Handler handler = new Handler() {
            @Override
            public void publish(LogRecord line) {
                log.add(new SimpleFormatter().formatMessage(line));
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
        Level level = logger.getLevel();
        logger.addHandler(handler);
        logger.setLevel(Level.INFO);
        try {
            try (Monitor _ = new Monitor(path, config -> config.allowUser(self + 1));
                    Client client = Client.connect(path)) {
                assertNull(client.line());
            }
            try (Monitor _ = new Monitor(path, config -> config.allowUser(self + 1).allowUser(self));
                    Client client = Client.connect(path)) {
                assertTrue(client.line().startsWith("{\"QMP\""));
            }
        } finally {
            logger.removeHandler(handler);
            logger.setLevel(level);
        }
        String who = "monitor client 1: pid " + ProcessHandle.current().pid() + ", uid " + self;
        assertEquals(List.of("(" + path + ") " + who + ", refused: this user is not on the list",
                "(" + path + ") " + who),
                log.stream().filter(line -> line.contains("uid")).toList());
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
