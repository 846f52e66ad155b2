package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.Rounds;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Real traffic with a driver whose rings lose single bytes at any time: 200,000 bursts altogether. See
 * {@link RingCorruption} for what must hold.
 */
class RingCorruptionTest extends EachFormat {
    private static final int ROUNDS = Rounds.of("corruption.rounds", 25_000);

    /** Features left out of the default: none, event index, mergeable buffers, indirect tables and order. */
    @ParameterizedTest
    @ValueSource(longs = {0, 1L << 29, 1L << 15, (1L << 28) | (1L << 35)})
    void aRingThatLosesBytesIsFencedOrCarriesOn(long without) throws Exception {
        long seed = new Random().nextLong();
        long features = defaults() & ~without;
        try (RingCorruption traffic = new RingCorruption(features, seed)) {
            for (int i = 0; i < ROUNDS; i++) {
                try {
                    traffic.round();
                } catch (Exception | AssertionError e) {
                    throw new AssertionError("seed " + seed + ", round " + i, e);
                }
            }
            String text = traffic.summary();
            assertEquals(0, traffic.outstanding(), text);
            assertEquals(0, traffic.guest().holds(), text);
            assertTrue(traffic.verified() > ROUNDS, text);
            assertTrue(traffic.fences() > ROUNDS / 250, text);
            assertTrue(traffic.violations().size() >= (ROUNDS < 25_000 ? 2 : 5), text);
            traffic.restart();
            for (TestQueue queue : traffic.guest().queues) {
                assertNull(queue.queue.violation(), text);
            }
        }
    }
}
