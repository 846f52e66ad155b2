package io.vhost.app.service;

import io.vhost.monitor.json.Json;
import java.util.Map;
import java.util.logging.Formatter;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;

/** How the program's log lines look. */
public enum LogFormat {
    /** Level and text. */
    PLAIN,
    /** The time before them, in UTC, as ISO 8601 has it. */
    TIME,
    /** An object a line. */
    JSON;

    /** Has all that is logged from now on look so; where the JDK's own logging is there. */
    void apply() {
        if (this != PLAIN && ModuleLayer.boot().findModule("java.logging").isPresent()) {
            JavaLogging.apply(this == JSON);
        }
    }

    /** A class of its own, so that its absence matters to nobody else. */
    private static final class JavaLogging {
        private JavaLogging() {}

        static void apply(boolean json) {
            for (Handler handler : Logger.getLogger("").getHandlers()) {
                handler.setFormatter(json ? new JsonLines() : new TimedLines());
            }
        }
    }

    /** The usual lines behind the time. */
    private static final class TimedLines extends Formatter {
        private final SimpleFormatter lines = new SimpleFormatter();

        @Override
        public String format(LogRecord entry) {
            return entry.getInstant() + " " + lines.format(entry);
        }
    }

    /** Objects for programs; an exception is a text in them. */
    private static final class JsonLines extends Formatter {
        @Override
        public String format(LogRecord entry) {
            Map<String, Object> line = Json.object(
                    "time", entry.getInstant().toString(),
                    "level", entry.getLevel().getName(),
                    "logger", entry.getLoggerName() == null ? "" : entry.getLoggerName(),
                    "message", formatMessage(entry));
            if (entry.getThrown() != null) {
                line.put("exception", entry.getThrown().toString());
            }
            return Json.write(line) + "\n";
        }
    }
}
