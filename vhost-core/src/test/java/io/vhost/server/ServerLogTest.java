package io.vhost.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.app.Await;
import io.vhost.device.VhostConfig;
import io.vhost.limit.ResourceLimits;
import io.vhost.os.EventFd;
import io.vhost.os.Poll;
import io.vhost.os.UnixListener;
import io.vhost.protocol.RawPeer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What stands in the log where nothing else tells the reason. */
class ServerLogTest extends ServerFixture {
    private final Logger logger = Logger.getLogger("io.vhost.server");
    private final Level before = logger.getLevel();
    private final List<String> lines = new CopyOnWriteArrayList<>();
    private final Handler handler = new Handler() {
        @Override
        public void publish(LogRecord line) {
            lines.add(new SimpleFormatter().formatMessage(line));
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    };

    @BeforeEach
    void listen() {
        logger.addHandler(handler);
        logger.setLevel(Level.INFO);
    }

    @AfterEach
    void forget() {
        logger.removeHandler(handler);
        logger.setLevel(before);
    }

    private List<String> with(String text) {
        return lines.stream().filter(line -> line.contains(text)).toList();
    }

    @Test
    void aClientTellsOnceThatNobodyListens() throws Exception {
        try (VhostClient _ = VhostClient.connect(path, CONFIG, DEAF)) {
            Await.until("the log", () -> !lines.isEmpty());
        }
        String start = "(" + path + ") nobody to connect to yet: ";
        assertEquals(lines, with(start));
        assertEquals(1, lines.size());
        assertTrue(lines.getFirst().length() > start.length(), "the system's reason");
    }

    @Test
    void aClientTellsTheLimitThatKeepsItFromConnecting() throws Exception {
        int all = (int) VhostServer.resourceUsage().connections() + 1;
        VhostConfig config = VhostConfig.builder()
                .limits(ResourceLimits.builder().processConnections(all).build()).build();
        Path front = directory.resolve("front");
        try (UnixListener listener = UnixListener.bind(front);
                VhostServer _ = VhostServer.listen(path, config, DEAF);
                RawPeer peer = connect()) {
            ask(peer);
            try (VhostClient _ = VhostClient.connect(listener.path(), config, DEAF)) {
                Await.until("the log", () -> !with("(" + front + ") not connected: ").isEmpty());
            }
        }
    }

    /** Those that have ended are nothing to tell of. */
    @Test
    void onlyAThreadThatIsNotWaitedForIsNamed() throws Exception {
        try (EventFd wake = EventFd.create()) {
            Poll poll = new Poll(wake.descriptor());
            Thread held = Thread.ofPlatform().daemon().name("held by the kernel")
                    .start(() -> poll.await(Poll.FOREVER));
            assertFalse(new Patience(Duration.ofMillis(1)).join(held));
            assertEquals(1, with("not waited for any longer: held by the kernel").size());
            wake.signal();
            assertTrue(new Patience(Duration.ofDays(1)).join(held));
            assertEquals(1, lines.size());
        }
    }
}
