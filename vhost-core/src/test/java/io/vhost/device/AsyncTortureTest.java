package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.Rounds;
import org.junit.jupiter.api.Test;

/**
 * Half a million operations in random order for each format. A failure names its seed;
 * {@code -Dtorture.seed=N} runs that seed alone, and {@code -Dtorture.operations=N} makes it longer or
 * shorter.
 */
class AsyncTortureTest extends EachFormat {
    private static final int OPERATIONS = Rounds.of("torture.operations", 500_000);
    private static final int RUNS = 25;

    @Test
    void everyPacketIsAccountedForWhateverHappens() throws Exception {
        Long only = Long.getLong("torture.seed");
        long first = only == null ? System.nanoTime() : only;
        long moved = 0;
        for (int i = 0; i < (only == null ? RUNS : 1); i++) {
            try (AsyncTorture torture = new AsyncTorture(features(), first + i)) {
                torture.run(OPERATIONS / RUNS);
                moved += torture.moved();
            }
        }
        assertTrue(moved > OPERATIONS / RUNS / 100, "packets moved: " + moved);
    }
}
