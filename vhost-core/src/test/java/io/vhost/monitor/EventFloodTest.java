package io.vhost.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.monitor.event.EventQueue;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Events that come faster than the monitor's thread can tell of them. */
@Timeout(120)
class EventFloodTest {
    private static final int COUNT = 100_000;
    private static final String TEXT = "x".repeat(1000);

    @TempDir
    private Path directory;

    @Test
    void whileTheMonitorsThreadIsHeldUpNobodyWaitsAndEachEventIsToldOrCounted() throws InterruptedException {
        Path socket = directory.resolve("m");
        CountDownLatch held = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        try (LogLines _ = new LogLines(line -> holdUp(line, held, release));
                Monitor monitor = new Monitor(socket, config -> config);
                Client client = Client.negotiated(socket);
                Client _ = Client.connect(socket)) {
            held.await();
            for (int i = 0; i < COUNT; i++) {
                monitor.server.publish("X_TICK", Map.of("number", i, "text", TEXT));
            }
            release.countDown();
            long told = 0;
            long missed = 0;
            long last = -1;
            while (told + missed < COUNT) {
                Map<?, ?> event = Client.parse(client.line());
                Map<?, ?> data = (Map<?, ?>) event.get("data");
                if ("X_TICK".equals(event.get("event"))) {
                    assertTrue((Long) data.get("number") > last, "in order");
                    last = (Long) data.get("number");
                    told++;
                } else {
                    assertEquals("VHOST_EVENTS_DROPPED", event.get("event"));
                    missed += (Long) data.get("count");
                }
            }
            assertEquals(COUNT, told + missed);
            assertTrue(told > 0 && told <= EventQueue.MOST, told + " events had waited");
            client.send("{'execute':'x-query-monitor'}");
            Map<?, ?> session = (Map<?, ?>) ((List<?>) client.answer().get("return")).getFirst();
            assertEquals(missed, session.get("events-dropped"));
        } finally {
            release.countDown();
        }
    }

    /** Keeps the monitor's thread in the log from the second client on. */
    private static void holdUp(String line, CountDownLatch held, CountDownLatch release) {
        if (line.contains("monitor client 2: pid")) {
            held.countDown();
            try {
                release.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @Test
    void anEventThatIsTooLargeIsCountedToo() {
        Path socket = directory.resolve("m");
        try (Monitor monitor = new Monitor(socket, config -> config);
                Client client = Client.negotiated(socket)) {
            monitor.server.publish("X_LARGE", Map.of("text", "x".repeat(EventQueue.MOST_BYTES)));
            Map<?, ?> event = Client.parse(client.line());
            assertEquals("VHOST_EVENTS_DROPPED", event.get("event"));
            assertEquals(Map.of("count", 1L), event.get("data"));
            monitor.server.publish("X_SMALL", Map.of());
            assertEquals("X_SMALL", Client.parse(client.line()).get("event"));
        }
    }
}
