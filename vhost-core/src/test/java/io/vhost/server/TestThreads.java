package io.vhost.server;

import java.util.List;

/** The threads of servers, by their names. */
final class TestThreads {
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
            thread.join();
        }
    }
}
