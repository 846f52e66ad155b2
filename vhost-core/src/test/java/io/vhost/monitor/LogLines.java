package io.vhost.monitor;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;

/** What the monitor logs from now on, until this is closed. */
final class LogLines implements AutoCloseable {
    private final Logger logger = Logger.getLogger("io.vhost.monitor");
    private final Level before = logger.getLevel();
    private final List<String> lines = new CopyOnWriteArrayList<>();
    private final Handler handler;

    LogLines() {
        this(_ -> { });
    }

    /** The same; {@code told} is called for each line, on the thread that logs it. */
    LogLines(Consumer<String> told) {
        handler = new Handler() {
            @Override
            public void publish(LogRecord line) {
                String text = new SimpleFormatter().formatMessage(line);
                lines.add(text);
                told.accept(text);
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
        logger.addHandler(handler);
        logger.setLevel(Level.INFO);
    }

    /** The lines so far that contain a text. */
    List<String> with(String text) {
        return lines.stream().filter(line -> line.contains(text)).toList();
    }

    @Override
    public void close() {
        logger.removeHandler(handler);
        logger.setLevel(before);
    }
}
