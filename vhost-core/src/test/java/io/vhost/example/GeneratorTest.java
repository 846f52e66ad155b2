package io.vhost.example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.peer.MainProcess;
import java.nio.file.Path;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicBoolean;
import org.HdrHistogram.Histogram;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class GeneratorTest {
    @TempDir
    private Path directory;

    /** A bridge with one front-end sends its packets back. */
    @Test
    void everyPacketIsMeasured() throws Exception {
        Path socket = directory.resolve("socket");
        AtomicBoolean running = new AtomicBoolean(true);
        FutureTask<Void> bridge = new FutureTask<>(() -> {
            new Bridge().run(socket, running::get);
            return null;
        });
        Thread.ofPlatform().start(bridge);
        MainProcess.awaitListening(socket);
        try {
            Histogram latency = new Generator(60, 8).run(socket, 10_000);
            assertEquals(10_000, latency.getTotalCount());
            assertTrue(latency.getMinValue() > 0, "least " + latency.getMinValue());
        } finally {
            running.set(false);
            bridge.get();
        }
    }
}
