package io.vhost.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The end of an application by its monitor. */
@Timeout(60)
class QuitTest {
    private static final String QUIT = "{'execute':'quit','id':'q'}";

    @TempDir
    private Path directory;

    private final AtomicInteger ends = new AtomicInteger();

    private Path socket() {
        return directory.resolve("m");
    }

    @Test
    void q23ItIsOffWhereTheApplicationCannotEndOrNothingMayBeChanged() {
        try (Monitor _ = new Monitor(socket(), config -> config.onQuit(ends::incrementAndGet));
                Client client = Client.negotiated(socket())) {
            assertEquals("The command quit has been disabled for this instance", client.errorText(QUIT));
            assertEquals("CommandNotFound", client.errorClass(QUIT));
            assertTrue(!client.call("{'execute':'query-commands'}").contains("\"quit\""));
        }
        try (Monitor _ = new Monitor(socket(), MonitorConfig.Builder::mutating);
                Client client = Client.negotiated(socket())) {
            assertEquals("The command quit has been disabled for this instance", client.errorText(QUIT));
        }
        assertEquals(0, ends.get());
    }

    @Test
    void theEventComesBeforeTheAnswerAndOnce() {
        Client client;
        Client other;
        try (Monitor _ = new Monitor(socket(), config -> config.mutating().onQuit(ends::incrementAndGet))) {
            client = Client.negotiated(socket());
            other = Client.negotiated(socket());
            client.send(QUIT);
            assertShutdown(client.line());
            assertEquals("{\"return\": {}, \"id\": \"q\"}", client.line());
            assertShutdown(other.line());
            assertEquals(1, ends.get());
        }
        assertNull(client.line());
        assertNull(other.line());
        client.close();
        other.close();
    }

    @Test
    void manyTimesOverTheEventIsFirst() {
        for (int i = 0; i < 200; i++) {
            try (Monitor _ = new Monitor(socket(),
                    config -> config.mutating().onQuit(ends::incrementAndGet));
                    Client client = Client.negotiated(socket())) {
                client.send(QUIT);
                assertShutdown(client.line());
                assertTrue(client.line().contains("return"));
            }
        }
    }

    @Test
    void aClientThatComesAfterwardsIsToldAtTheEnd() {
        Client late;
        try (Monitor _ = new Monitor(socket(), config -> config.mutating().onQuit(ends::incrementAndGet))) {
            try (Client client = Client.negotiated(socket())) {
                client.send(QUIT);
                client.line();
                client.line();
            }
            late = Client.negotiated(socket());
        }
        Map<?, ?> event = Client.parse(late.line());
        assertEquals(Map.of("guest", false, "reason", "host-signal"), event.get("data"));
        assertNull(late.line());
        late.close();
    }

    @Test
    void peopleEndItTheSameWay() {
        Path people = directory.resolve("people");
        try (Monitor _ = new Monitor(people, config -> config.mode(MonitorConfig.Mode.HMP).mutating()
                .onQuit(ends::incrementAndGet));
                Client client = Client.connect(people)) {
            client.until("(vhost) ");
            client.send("quit now\n");
            assertTrue(client.until("(vhost) ").contains("extraneous"));
            assertEquals(0, ends.get());
            client.send("q\n");
            assertEquals("", client.until("(vhost) "));
            assertEquals(1, ends.get());
        }
    }

    private static void assertShutdown(String line) {
        assertTrue(line.startsWith("{\"timestamp\": {\"seconds\": "), line);
        assertTrue(line.endsWith("}, \"event\": \"SHUTDOWN\", \"data\": {\"guest\": false, "
                + "\"reason\": \"host-qmp-quit\"}}"), line);
    }
}
