package io.vhost.protocol;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.text.MessageFormat;
import java.util.ResourceBundle;
import java.util.function.LongSupplier;

/**
 * Keeps peers from filling a log: lets a burst of records through, then one a second, and says with the next
 * one how many were left out.
 *
 * <p>Thread: any. The logger is called without a lock.
 */
public final class WarningLimiter {
    static final int BURST = 20;
    static final long NANOS_A_RECORD = 1_000_000_000L;

    private final System.Logger logger;
    private final LongSupplier nanoTime;
    @GuardedBy("this")
    private long credit = BURST * NANOS_A_RECORD;
    @GuardedBy("this")
    private long last;
    @GuardedBy("this")
    private long suppressed;

    /** A limiter with a full burst in front of {@code logger}. */
    public WarningLimiter(System.Logger logger) {
        this(logger, System::nanoTime);
    }

    WarningLimiter(System.Logger logger, LongSupplier nanoTime) {
        this.logger = logger;
        this.nanoTime = nanoTime;
        last = nanoTime.getAsLong();
    }

    /** Logs a WARNING, or counts it if there were too many. */
    public void warn(String text) {
        log(System.Logger.Level.WARNING, text, null);
    }

    /** Logs {@code text} with an optional {@code cause}, or counts it if there were too many. */
    public void log(System.Logger.Level level, String text, Throwable cause) {
        long before = admit();
        if (before >= 0) {
            String note = before == 0 ? "" : " (" + before + " records were left out before this one)";
            logger.log(level, text + note, cause);
        }
    }

    /**
     * A logger under the same limit, for those below this package; records of less than INFO are not limited.
     */
    public System.Logger logger() {
        return new LimitedLogger();
    }

    private final class LimitedLogger implements System.Logger {
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
            } else if (isLoggable(level)) {
                WarningLimiter.this.log(level, text, cause);
            }
        }

        @Override
        public void log(Level level, ResourceBundle bundle, String format, Object... parameters) {
            if (isLoggable(level)) {
                log(level, bundle, MessageFormat.format(format, parameters), (Throwable) null);
            }
        }
    }

    /** The number of records left out since the last one, or -1 if this one is to be left out as well. */
    private synchronized long admit() {
        long now = nanoTime.getAsLong();
        credit = Math.min(BURST * NANOS_A_RECORD, credit + (now - last));
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
