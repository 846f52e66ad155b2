package io.vhost.monitor;

import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
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
        String text = assertThrows(IOException.class,
                () -> MonitorServer.listen(open.resolve("m"), MonitorConfig.builder().build())).getMessage();
        assertTrue(text.contains("chmod o-w"), text);
    }

    @Test
    void aUserWhoIsNotOnTheListIsNotServed() {
        try (Monitor _ = new Monitor(directory.resolve("m"), config -> config.allowUser(12345));
                Client client = Client.connect(directory.resolve("m"))) {
            assertNull(client.line());
        }
    }

    @Test
    void aPathThatIsTooLongIsRefused() {
        Path path = directory.resolve("x".repeat(120));
        String text = assertThrows(IOException.class,
                () -> MonitorServer.listen(path, MonitorConfig.builder().build())).getMessage();
        assertTrue(text.contains("a Unix socket's may have 107"), text);
    }

    @Test
    void commandsThatChangeSomethingCanBeSwitchedOn() {
        Path path = directory.resolve("m");
        try (Monitor _ = new Monitor(path, MonitorConfig.Builder::mutating); Client client = Client.negotiated(path)) {
            assertTrue(client.call("{'execute':'x-change'}").startsWith("{\"return\""));
        }
    }
}
