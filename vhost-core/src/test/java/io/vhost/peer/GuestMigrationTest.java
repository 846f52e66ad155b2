package io.vhost.peer;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A Linux guest behind {@code vhost switch} is migrated while it receives. {@code -Dguests=full} tries all
 * kinds of rings with all kinds of copies.
 */
@Tag("peer")
class GuestMigrationTest {
    private static final int MEBIBYTES = 64;
    private static final String PACKED = "packed=on";
    private static final List<String> ASYNC = List.of("--async", "--dma", "worker");

    @TempDir
    private Path directory;

    static Stream<Arguments> ringsAndCopies() {
        Stream<Arguments> few = Stream.of(Arguments.of("", List.of()), Arguments.of(PACKED, ASYNC));
        return "full".equals(System.getProperty("guests"))
                ? Stream.concat(few, Stream.of(
                        Arguments.of("", ASYNC),
                        Arguments.of(PACKED, List.of()),
                        Arguments.of(PACKED, List.of("--async", "--dma", "inline"))))
                : few;
    }

    @ParameterizedTest
    @MethodSource("ringsAndCopies")
    void aGuestMovesToAnotherProcessWhileItReceives(String card, List<String> copies) throws IOException {
        LinuxGuest.require();
        Path socketA = directory.resolve("a.sock");
        Path socketB = directory.resolve("b.sock");
        Path socketC = directory.resolve("c.sock");
        Path monitor = directory.resolve("qmp");
        Path migration = directory.resolve("migration.sock");
        List<String> options = new ArrayList<>(
                List.of("--socket-path", socketA + "," + socketB + "," + socketC));
        options.addAll(copies);
        try (SwitchProcess ethernet = SwitchProcess.start(options.toArray(String[]::new));
                LinuxGuest a = LinuxGuest.start(
                        socketA, 1, card, "-qmp", "unix:" + monitor + ",server=on,wait=off");
                LinuxGuest b = LinuxGuest.start(socketB, 2, card);
                LinuxGuest target = LinuxGuest.start(socketC, 1, card, "-incoming", "unix:" + migration)) {
            a.awaitBoot();
            b.awaitBoot();
            assertEquals(card.equals(PACKED), a.hasPackedRings());
            b.awaitPing(LinuxGuest.address(1));
            String digest = b.makeFile(MEBIBYTES);
            a.receive(5000);
            b.send("until nc " + LinuxGuest.address(1) + " 5000 < /tmp/file; do :; done; echo \"sent\"=yes.");
            try (QemuMonitor qmp = QemuMonitor.connect(monitor)) {
                qmp.execute("migrate", "{\"uri\":\"unix:" + migration + "\"}");
                qmp.awaitMigration();
            }
            assertEquals(digest, target.received());
            b.await("sent=yes.");
            b.awaitPing(LinuxGuest.address(1));
            assertEquals(List.of(), ethernet.warnings());
        }
    }
}
