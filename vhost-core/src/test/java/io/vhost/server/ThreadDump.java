package io.vhost.server;

import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.extension.AfterTestExecutionCallback;
import org.junit.jupiter.api.extension.BeforeTestExecutionCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Says where all threads stand when a test takes so long that it will soon fail. */
final class ThreadDump implements BeforeTestExecutionCallback, AfterTestExecutionCallback {
    /** Before the fixture's limit. */
    private static final long SECONDS = 110;

    private final CountDownLatch over = new CountDownLatch(1);

    @Override
    public void beforeTestExecution(ExtensionContext context) {
        Thread.ofPlatform().daemon().name("watchdog").start(() -> {
            try {
                if (!over.await(SECONDS, TimeUnit.SECONDS)) {
                    System.err.println(context.getDisplayName() + " stands still:\n" + threads());
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
    }

    @Override
    public void afterTestExecution(ExtensionContext context) {
        over.countDown();
    }

    private static String threads() {
        return Thread.getAllStackTraces().entrySet().stream().map(ThreadDump::text)
                .collect(Collectors.joining("\n"));
    }

    private static String text(Map.Entry<Thread, StackTraceElement[]> entry) {
        return entry.getKey() + " " + entry.getKey().getState() + Arrays.stream(entry.getValue())
                .map(frame -> "\n    " + frame).collect(Collectors.joining());
    }
}
