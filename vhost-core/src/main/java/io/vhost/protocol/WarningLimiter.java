package io.vhost.protocol;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.text.MessageFormat;
import java.util.ResourceBundle;
import java.util.function.LongSupplier;

/**
 * Keeps peers from filling a log: lets a burst of records through, then one a second, and says with the next
 * one how many were left out. News of level INFO have a limit of their own, so that they keep no warning from
 * the log; records below INFO are not limited.
 *
 * <p>It is a logger itself, so that the loggers of the platform name its callers as a record's source, not
 * it.
 *
 * <p>Thread: any. The logger is called without a lock.
 */
public final class WarningLimiter implements System.Logger {
    static final int BURST = 20;
    static final int NEWS_BURST = 200;
    static final long NANOS_A_RECORD = 1_000_000_000L;

    private final System.Logger logger;
    private final Credit warnings;
    private final Credit news;

    /** A limiter with a full burst in front of {@code logger}. */
    public WarningLimiter(System.Logger logger) {
        this(logger, System::nanoTime);
    }

    WarningLimiter(System.Logger logger, LongSupplier nanoTime) {
        this.logger = logger;
        warnings = new Credit(BURST, nanoTime);
        news = new Credit(NEWS_BURST, nanoTime);
    }

    /** Logs a WARNING, or counts it if there were too many. */
    public void warn(String text) {
        log(Level.WARNING, null, text, (Throwable) null);
    }

    @Override
    public String getName() {
        return logger.getName();
    }

    @Override
    public boolean isLoggable(Level level) {
        return logger.isLoggable(level);
    }

    @Override
    public void log(Level level, ResourceBundle bundle, String text, Throwable cause) {
        if (level.getSeverity() < Level.INFO.getSeverity()) {
            logger.log(level, bundle, text, cause);
        } else if (logger.isLoggable(level)) {
            long before = (level == Level.INFO ? news : warnings).admit();
            if (before >= 0) {
                String note = before == 0 ? "" : " (" + before + " records were left out before this one)";
                logger.log(level, bundle, text + note, cause);
            }
        }
    }

    @Override
    public void log(Level level, ResourceBundle bundle, String format, Object... parameters) {
        if (isLoggable(level)) {
            String text = parameters == null || parameters.length == 0
                    ? format : MessageFormat.format(format, parameters);
            log(level, bundle, text, (Throwable) null);
        }
    }

    /** What may still be logged. */
    private static final class Credit {
        private final long most;
        private final LongSupplier nanoTime;
        @GuardedBy("this")
        private long credit;
        @GuardedBy("this")
        private long last;
        @GuardedBy("this")
        private long suppressed;

        private Credit(int burst, LongSupplier nanoTime) {
            this.most = burst * NANOS_A_RECORD;
            this.credit = most;
            this.nanoTime = nanoTime;
            this.last = nanoTime.getAsLong();
        }

        /** The number of records left out since the last one, or -1 if this one is to be left out as well. */
        private synchronized long admit() {
            long now = nanoTime.getAsLong();
            credit = Math.min(most, credit + (now - last));
            last = now;
            if (credit < NANOS_A_RECORD) {
                suppressed++;
                return -1;
            }
            credit -= NANOS_A_RECORD;
            long before = suppressed;
            suppressed = 0;
            return before;
        }
    }
}
