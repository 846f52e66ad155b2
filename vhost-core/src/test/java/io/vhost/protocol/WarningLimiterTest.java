package io.vhost.protocol;

import static io.vhost.protocol.WarningLimiter.BURST;
import static io.vhost.protocol.WarningLimiter.NANOS_A_RECORD;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

class WarningLimiterTest {
    private final RecordingLogger log = new RecordingLogger();
    private long now = Long.MAX_VALUE - NANOS_A_RECORD;
    private final WarningLimiter limiter = new WarningLimiter(log, () -> now);

    @Test
    void aBurstIsLoggedAndTheRestIsCounted() {
        for (int i = 0; i < BURST + 5; i++) {
            limiter.warn("text");
        }
        assertEquals(BURST, log.records().size());
        now += NANOS_A_RECORD;
        limiter.warn("late");
        limiter.warn("too many again");
        assertEquals(BURST + 1, log.records().size());
        assertEquals("WARNING late (5 records were left out before this one)", log.records().getLast());
        now += NANOS_A_RECORD;
        limiter.warn("later");
        assertEquals("WARNING later (1 records were left out before this one)", log.records().getLast());
    }

    @Test
    void aQuietTimeRestoresNoMoreThanTheBurst() {
        now += 1000 * NANOS_A_RECORD;
        for (int i = 0; i < 2 * BURST; i++) {
            limiter.warn("text");
        }
        assertEquals(BURST, log.records().size());
    }

    @Test
    void aLoggerIsLimitedAlikeWithAllThatIsNotForDebugging() {
        System.Logger logger = limiter;
        assertEquals("recording", logger.getName());
        for (int i = 0; i < BURST; i++) {
            logger.log(System.Logger.Level.WARNING, "queue {0}: {1}", i, "text");
        }
        assertEquals("WARNING queue 0: text", log.records().getFirst());
        logger.log(System.Logger.Level.ERROR, () -> "too many", new IllegalStateException("reason"));
        logger.log(System.Logger.Level.WARNING, "too many");
        assertEquals(BURST, log.records().size());
        logger.log(System.Logger.Level.DEBUG, "detail {0}", 1);
        assertEquals("DEBUG detail 1", log.records().getLast());
        now += NANOS_A_RECORD;
        logger.log(System.Logger.Level.WARNING, "late");
        assertEquals("WARNING late (2 records were left out before this one)", log.records().getLast());
    }

    /** News can neither keep a warning from the log nor fill it. */
    @Test
    void newsHaveALimitOfTheirOwn() {
        for (int i = 0; i < 2 * WarningLimiter.NEWS_BURST; i++) {
            limiter.log(System.Logger.Level.INFO, "started {0}", i);
        }
        assertEquals(WarningLimiter.NEWS_BURST, log.records().size());
        limiter.warn("text with {braces}");
        assertEquals("WARNING text with {braces}", log.records().getLast());
        now += NANOS_A_RECORD;
        limiter.log(System.Logger.Level.INFO, "late");
        assertEquals("INFO late (200 records were left out before this one)", log.records().getLast());
    }

    @Test
    void theCauseIsPassedOn() {
        limiter.log(System.Logger.Level.ERROR, "text", new IllegalStateException("reason"));
        assertEquals(List.of("ERROR text java.lang.IllegalStateException: reason"), log.records());
    }
}
