package io.vhost.monitor.hmp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.monitor.Client;
import io.vhost.monitor.Monitor;
import io.vhost.monitor.MonitorConfig;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The language for people. */
@Timeout(60)
class HmpTest {
    private static final String PROMPT = "(qemu) ";

    @TempDir
    private Path directory;

    private Monitor monitor;
    private Client client;
    private String banner;

    @BeforeEach
    void connect() {
        monitor = new Monitor(directory.resolve("m"),
                config -> config.mode(MonitorConfig.Mode.HMP).prompt(PROMPT));
        client = Client.connect(directory.resolve("m"));
        banner = client.until(PROMPT);
    }

    @AfterEach
    void close() {
        client.close();
        monitor.close();
    }

    private String type(String line) {
        client.send(line);
        return client.until(PROMPT);
    }

    private static String lines(String... lines) {
        return String.join("\r\n", lines) + "\r\n";
    }

    @Test
    void aBannerComesFirstAndAPromptAfterEachCommandAndNothingIsEchoed() {
        assertTrue(banner.endsWith(" monitor - type 'help' for more information\r\n"), banner);
        assertEquals("VM status: running\r\n", type("info status\n"));
        assertEquals("VM status: running\r\n", type("info status\r"));
        assertEquals("VM status: running\r\n", type("info status\r\n"));
        assertEquals("", type("\n"));
    }

    @Test
    void whatIsNotUnderstoodIsSaidInQemusWords() {
        assertEquals("unknown command: 'nope'\r\n", type("nope\n"));
        assertEquals("unknown command: 'info nope'\r\n", type("info nope\n"));
        assertEquals(lines("virtio-status: string expected",
                "Try \"help info virtio-status\" for more information"),
                type("info virtio-status\n"));
        assertEquals(lines("version: extraneous characters at the end of line",
                "Try \"help info version\" for more information"), type("info version now\n"));
        assertEquals("Error: Path nope is not a VirtIODevice\r\n", type("info virtio-status nope\n"));
        assertEquals("Error: The command quit has been disabled for this instance\r\n", type("quit\n"));
        assertEquals("Error: Path a b is not a VirtIODevice\r\n",
                type("info virtio-queue-status \"a b\" 0x1\n"));
    }

    @Test
    void helpNamesEveryPage() {
        String all = type("info\n");
        for (HmpPage page : HmpPage.INFO) {
            assertTrue(all.contains("info " + page.usage() + " -- "), page.name());
            assertTrue(type("help info " + page.name() + "\n").startsWith("info " + page.name()));
        }
        assertEquals(all, type("help info\n"));
        assertTrue(type("help\n").contains("info [subcommand] -- "));
    }

    @Test
    void aLineTooLongIsRefusedAndACharacterCanBeTakenBack() {
        assertTrue(type("x".repeat(5000) + "\n").contains("longer than 4095"));
        assertEquals("VM status: running\r\n", type("info statut\bs\n"));
        assertEquals("No VirtIO devices\r\n", type("info virtio\n"));
    }

    @Test
    void theMachinesLanguageRunsLinesToo() {
        Path other = directory.resolve("other");
        try (Monitor _ = new Monitor(other, config -> config); Client machine = Client.negotiated(other)) {
            String call = "{'execute':'human-monitor-command',"
                    + "'arguments':{'command-line':'%s','cpu-index':0}}";
            assertEquals("{\"return\": \"unknown command: 'nope'\\r\\n\"}",
                    machine.call(call.formatted("nope")));
            assertEquals("{\"return\": \"\"}", machine.call(call.formatted("")));
            assertEquals("{\"return\": \"VM status: running\\r\\n\"}",
                    machine.call(call.formatted("info status")));
        }
    }
}
