package io.vhost.app.cli;

import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;

/**
 * What the library logs, as the command line shows it: warnings and worse, one line each on standard error.
 *
 * <p>Applies to the JDK's own logging, and only where the user has not configured it.
 */
public final class LogOutput {
    private static final String FORMAT = "%4$s: %5$s%6$s%n";

    private LogOutput() {}

    /** To be called before anything is logged. */
    public static void configure() {
        setUnlessGiven("java.util.logging.SimpleFormatter.format", FORMAT);
        setUnlessGiven("jdk.system.logger.format", FORMAT);
        setUnlessGiven("jdk.system.logger.level", "WARNING");
        // The first record loads time zones and more from files, and may be the one that tells that no file
        // can be opened any more.
        String _ = String.format("%tc", ZonedDateTime.now(ZoneId.systemDefault()));
        boolean configured = System.getProperty("java.util.logging.config.file") != null
                || System.getProperty("java.util.logging.config.class") != null;
        // A run-time image may come without that module; the properties of the simple logger are
        // all there is then.
        if (ModuleLayer.boot().findModule("java.logging").isPresent()) {
            if (!configured) {
                JavaLogging.quieten();
            }
            JavaLogging.warmUp();
        }
    }

    private static void setUnlessGiven(String property, String value) {
        if (System.getProperty(property) == null) {
            System.setProperty(property, value);
        }
    }

    /** A class of its own, so that its absence matters to nobody else. */
    private static final class JavaLogging {
        /** Loggers are weakly held by their manager. */
        private static final Logger LIBRARY = Logger.getLogger("io.vhost");

        private JavaLogging() {}

        static void quieten() {
            LIBRARY.setLevel(Level.WARNING);
        }

        static void warmUp() {
            Handler[] _ = Logger.getLogger("").getHandlers();
            String _ = new SimpleFormatter().format(new LogRecord(Level.WARNING, ""));
            boolean _ = System.getLogger("io.vhost").isLoggable(System.Logger.Level.WARNING);
        }
    }
}
