package io.vhost.app.top;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.monitor.MonitorConfig;
import io.vhost.monitor.MonitorServer;
import io.vhost.peer.Peers;
import io.vhost.peer.Program;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Collections;
import java.util.List;
import org.jline.terminal.Size;
import org.jline.terminal.Terminal;
import org.jline.terminal.impl.ExternalTerminal;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The table on a terminal. */
@Timeout(120)
class TopScreenTest {
    private static final int COLUMNS = 20;
    private static final int ROWS = 4;
    private static final String BEGIN = "\u001b[?1049h";
    private static final String END = "\u001b[?1049l";

    @TempDir
    private Path directory;

    private final ByteArrayOutputStream written = new ByteArrayOutputStream();

    private TopScreen screen(String keys) throws IOException {
        InputStream typed = new ByteArrayInputStream(keys.getBytes(StandardCharsets.US_ASCII));
        Terminal terminal = new ExternalTerminal("test", "xterm", typed, written, StandardCharsets.UTF_8);
        terminal.setSize(Size.of(COLUMNS, ROWS));
        return new TopScreen(terminal);
    }

    private String shown() {
        return written.toString(StandardCharsets.UTF_8);
    }

    @Test
    void aTableIsCutToTheTerminalAndWhatStoodThereComesBack() throws IOException {
        try (TopScreen screen = screen("")) {
            screen.show("title", Collections.nCopies(2 * ROWS, "0123456789".repeat(3)));
        }
        assertTrue(shown().startsWith(BEGIN), shown());
        assertEquals(ROWS, shown().split("title|(0123456789){2}", -1).length - 1, shown());
        assertFalse(shown().contains("0123456789".repeat(3)), shown());
        assertTrue(shown().indexOf("title") < shown().indexOf("0123"), shown());
        assertTrue(shown().contains(END), shown());
    }

    @Test
    void whatHasNotChangedIsNotWrittenAgain() throws IOException {
        try (TopScreen screen = screen("")) {
            screen.show("title", List.of("same", "one"));
            int before = written.size();
            screen.show("title", List.of("same", "two"));
            String again = shown().substring(before);
            assertTrue(again.contains("two"), again);
            assertFalse(again.contains("same"), again);
        }
    }

    @Test
    void theKeyQEndsAndOthersDoNot() throws IOException {
        try (TopScreen screen = screen("xq")) {
            assertFalse(screen.isQuitPressed(1000));
            assertTrue(screen.isQuitPressed(1000));
        }
    }

    /** The JVM says nothing of its own, whatever the terminal's library does. */
    @Test
    @Tag("peer")
    void onATerminalTheProgramHasTheWholeOfItAndTheJvmWarnsOfNothing() throws IOException {
        Peers.require("socat", "bash");
        Path monitor = directory.resolve("m");
        Path script = Files.writeString(directory.resolve("top"), """
                #!/bin/bash
                export TERM=xterm
                stty columns 100 rows 10
                %s --enable-native-access=ALL-UNNAMED -cp %s io.vhost.app.Main top %s
                echo "status=$?."
                stty | grep -q -- -icanon && echo raw
                echo "end"
                """.formatted(Path.of(System.getProperty("java.home"), "bin", "java"),
                System.getProperty("jdk.module.path", "") + ":" + System.getProperty("java.class.path"),
                monitor));
        Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwx------"));
        try (MonitorServer _ = MonitorServer.listen(monitor, MonitorConfig.builder().build());
                Program pty = Program.start(List.of("socat", "-",
                        "EXEC:" + script + ",pty,setsid,ctty,stderr"))) {
            pty.await("(no devices are connected)");
            pty.send("q");
            pty.await("status=0.");
            pty.await("end");
            String all = pty.output();
            assertTrue(all.contains(BEGIN) && all.contains(END), all);
            assertFalse(all.contains("WARNING") || all.contains("raw"), all);
        }
    }
}
