package io.vhost.app.top;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.app.Await;
import io.vhost.app.TerminalRun;
import io.vhost.driver.DriverConfig;
import io.vhost.driver.VirtioUser;
import io.vhost.monitor.MonitorConfig;
import io.vhost.monitor.MonitorServer;
import io.vhost.peer.MainProcess;
import io.vhost.peer.Program;
import java.io.IOException;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The command on terminals: whatever ends it, the terminal is as it was. */
@Tag("peer")
@Timeout(240)
class TopTerminalTest {
    private static final String BEGIN = "\u001b[?1049h";
    private static final String END = "\u001b[?1049l";
    private static final String HIDDEN = "\u001b[?25l";
    private static final String VISIBLE = "25h";
    private static final String EMPTY = "(no devices are connected)";

    @TempDir
    private Path directory;

    /** The keys are q, Ctrl-C and Ctrl-\\; the JVM says nothing of its own, whatever the library does. */
    @ParameterizedTest
    @ValueSource(ints = {'q', 3, 28})
    void aKeyEndsItAndTheTerminalIsAsItWas(int key) throws IOException {
        try (MonitorServer _ = monitor(); TerminalRun top = top("xterm", 100)) {
            top.await(EMPTY);
            top.type(Character.toString(key));
            assertRestored(top.end(0));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"TERM", "INT", "HUP"})
    void aSignalEndsItAndTheTerminalIsAsItWas(String signal) throws IOException {
        try (MonitorServer _ = monitor(); TerminalRun top = top("xterm", 100)) {
            top.await(EMPTY);
            top.signal(signal);
            assertRestored(top.end(0));
        }
    }

    @Test
    void aTerminalThatHasGoneEndsIt() throws IOException {
        try (MonitorServer _ = monitor()) {
            ProcessHandle process;
            try (TerminalRun top = top("xterm", 100)) {
                top.await(EMPTY);
                process = ProcessHandle.of(top.pid()).orElseThrow();
            }
            Await.until("it has ended", () -> !process.isAlive());
        }
    }

    @Test
    void whoseMonitorIsStoppedIsToldSoAndCanEnd() throws IOException {
        try (Program served = served(); TerminalRun top = top("xterm", 100)) {
            top.await(EMPTY);
            Program.signal("STOP", served.pid());
            top.await("the monitor at " + path() + " has not answered for 3 s");
            top.type("q");
            assertRestored(top.end(0));
        }
    }

    @Test
    void theEndOfTheMonitorIsSaidInWords() throws IOException {
        try (Program served = served(); TerminalRun top = top("xterm", 100)) {
            top.await(EMPTY);
            Program.signal("KILL", served.pid());
            String all = top.end(1);
            assertRestored(all);
            assertTrue(all.indexOf("vhost: the monitor at " + path() + " has ended") > all.indexOf(END), all);
            assertFalse(all.contains("EPIPE"), all);
        }
    }

    /** None of these can be written all over: they get lines, and the last two are told why. */
    @ParameterizedTest
    @CsvSource({"dumb, 100, ''", "xterm, 0, 'vhost: the terminal has 0 columns and 0 rows'",
        "unheard-of, 100, 'vhost: the terminal type \"unheard-of\" is unknown here'"})
    void terminalsThatOnlyPrintGetLines(String type, int columns, String said) throws IOException {
        try (MonitorServer _ = monitor();
                TerminalRun top = TerminalRun.start(directory, type, columns, "top", "--count 2", path())) {
            String all = top.end(0);
            assertEquals(2, all.split("packets/s", -1).length - 1, all);
            assertFalse(all.contains("\u001b"), all);
            // Two tables of two lines, what the script says, and one line of reason at most.
            assertEquals(said.isEmpty() ? 7 : 8, all.lines().count(), all);
            assertTrue(all.contains(said) && all.contains("as before"), all);
        }
    }

    @Test
    void linesOnATerminalEndWithControlC() throws IOException {
        try (MonitorServer _ = monitor(); TerminalRun top = top("dumb", 100)) {
            top.await(EMPTY);
            top.signal("INT");
            assertFalse(top.end(0).contains("failure"));
        }
    }

    /** The last column is there, on a terminal of usual width too, and beyond where a wider one has room. */
    @ParameterizedTest
    @ValueSource(ints = {80, 100})
    void aLineIsShownToItsEnd(int columns) throws IOException {
        Path socket = directory.resolve("v");
        try (Program _ = served()) {
            // The number of a connection makes its name, and so the line, longer than 80 columns.
            for (int before = 0; columns > 80 && before < 10; before++) {
                VirtioUser.connect(socket, DriverConfig.defaults()).close();
            }
            try (VirtioUser _ = VirtioUser.connect(socket, DriverConfig.defaults());
                    TerminalRun top = top("xterm", columns)) {
                top.await("lock busy");
                String before = top.await("/virtio-backend/queue/1");
                String line = before.substring(before.lastIndexOf("/vhost/")) + "/virtio-backend/queue/1"
                        + plain(top.await("\u001b[?2026l"));
                // What follows is the table of ports.
                line = line.substring(0, line.indexOf("port ")).stripTrailing();
                assertTrue(line.matches("/vhost/\\d+/virtio-backend/queue/1 +0 +0\\.000 +0 +0 +0"), line);
                assertEquals(columns > 80, line.length() > 80, line);
                top.type("q");
                assertRestored(top.end(0));
            }
        }
    }

    /** What a terminal shows: blanks that are there already are skipped. */
    private static String plain(String output) {
        String line = Pattern.compile("\u001b\\[(\\d+)C").matcher(output)
                .replaceAll(skip -> " ".repeat(Integer.parseInt(skip.group(1))));
        return line.replaceAll("\u001b\\[[?;0-9]*[A-Za-z]", "").stripTrailing();
    }

    private static void assertRestored(String all) {
        assertTrue(all.contains(BEGIN) && all.contains(HIDDEN), all);
        assertTrue(all.indexOf(END) > all.lastIndexOf(BEGIN), all);
        assertTrue(all.lastIndexOf(VISIBLE) > all.lastIndexOf(HIDDEN), all);
        assertTrue(all.contains("as before"), all);
        assertFalse(all.contains("WARNING") || all.contains("unexpected"), all);
    }

    private String path() {
        return directory.resolve("m").toString();
    }

    private TerminalRun top(String type, int columns) throws IOException {
        return TerminalRun.start(directory, type, columns, "top", path());
    }

    private MonitorServer monitor() throws IOException {
        return MonitorServer.listen(Path.of(path()), MonitorConfig.builder().build());
    }

    private Program served() {
        Path socket = directory.resolve("v");
        Program program = MainProcess.start("forward", "--quiet", "--socket-path", socket.toString(),
                "--monitor", path());
        MainProcess.awaitListening(socket);
        MainProcess.awaitListening(Path.of(path()));
        return program;
    }
}
