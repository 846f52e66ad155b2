package io.vhost.protocol;

import java.util.ArrayList;
import java.util.List;
import java.util.ResourceBundle;

/** A logger that keeps what it is told. */
public final class RecordingLogger implements System.Logger {
    private final List<String> records = new ArrayList<>();

    @Override
    public String getName() {
        return "recording";
    }

    @Override
    public boolean isLoggable(Level level) {
        return true;
    }

    @Override
    public synchronized void log(Level level, ResourceBundle bundle, String message, Throwable thrown) {
        records.add(level + " " + message + (thrown == null ? "" : " " + thrown));
        notifyAll();
    }

    @Override
    public synchronized void log(Level level, ResourceBundle bundle, String format, Object... parameters) {
        log(level, bundle, format, (Throwable) null);
    }

    /** What was logged so far, as level and text. */
    public synchronized List<String> records() {
        return List.copyOf(records);
    }

    /** Waits until there are {@code count} records. */
    public synchronized void await(int count) throws InterruptedException {
        while (records.size() < count) {
            wait();
        }
    }
}
