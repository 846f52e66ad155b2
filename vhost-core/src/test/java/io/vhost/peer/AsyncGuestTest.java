package io.vhost.peer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Linux guests behind {@code vhost switch --async}. {@code -Dguests=full} copies more. */
@Tag("peer")
class AsyncGuestTest {
    private static final int MEBIBYTES = "full".equals(System.getProperty("guests")) ? 64 : 4;

    /**
     * A guest that does not boot in time is started again,
     * and its first front-end goes before it has said anything.
     */
    private static final String STARTED_AGAIN = "[^\n]*went without accepting features[^\n]*";

    @TempDir
    private Path directory;

    /** The switch ends while the guests are connected. */
    @ParameterizedTest
    @CsvSource({"worker,packed=off,packed=off", "inline,packed=on,packed=off", "worker,packed=on,packed=on"})
    void guestsPingAndCopyBothWays(String kind, String first, String second) {
        LinuxGuest.require();
        Path socketA = directory.resolve("a.sock");
        Path socketB = directory.resolve("b.sock");
        try (Program ethernet = MainProcess.start(
                        "switch", "--socket-path", socketA + "," + socketB, "--async", "--dma", kind)) {
            ethernet.await("listening");
            try (LinuxGuest a = LinuxGuest.start(socketA, 1, first);
                    LinuxGuest b = LinuxGuest.start(socketB, 2, second)) {
                a.awaitBoot();
                b.awaitBoot();
                assertEquals("packed=on".equals(first), a.hasPackedRings());
                String ping = a.run("ping -c 5 -i 0.2 " + LinuxGuest.address(2));
                assertTrue(ping.contains(" 0% packet loss"), ping);
                copy(a, b, LinuxGuest.address(2));
                copy(b, a, LinuxGuest.address(1));
                ethernet.terminate();
                assertEquals(0, ethernet.exitStatus(), ethernet::output);
            }
            String output = ethernet.output();
            assertEquals("", MainProcess.complaints(output.replaceAll(STARTED_AGAIN, "")));
            assertTrue(output.contains(" in flight"), output);
            assertFalse(Files.exists(socketA));
        }
    }

    private static void copy(LinuxGuest from, LinuxGuest to, String address) {
        to.receive(5000);
        String digest = from.makeFile(MEBIBYTES);
        from.sendFile(address, 5000);
        assertEquals(digest, to.received());
    }
}
