package io.vhost.server;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;

/** The threads of servers, by their names. */
final class TestThreads {
    /** Passes only for a thread that will never end. */
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private TestThreads() {}

    /** Threads alive whose names contain {@code text}. */
    static List<Thread> named(String text) {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().contains(text))
                .toList();
    }

    /** Waits for the end of all threads whose names contain {@code text}. */
    static void awaitNone(String text) throws InterruptedException {
        for (Thread thread : named(text)) {
            assertTrue(thread.join(PATIENCE), thread::getName);
        }
    }
}
