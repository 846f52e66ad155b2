package io.vhost.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.vhost.bench.ForwardStats.Bottleneck;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class ForwardStatsTest {
    private static final double EXACT = 1e-9;

    @Test
    void whatTestpmdSaysOfABackEndIsRead() throws IOException {
        ForwardStats stats = ForwardStats.parse(recorded("forward-back-end.txt"));
        assertEquals(0.99, stats.emptyShare(), EXACT);
        assertEquals(32, stats.meanBurst(), EXACT);
        assertEquals(9036.81 / 2.6, stats.nanosPerPacket(), EXACT);
    }

    @Test
    void whatTestpmdSaysOfAFrontEndIsRead() throws IOException {
        ForwardStats stats = ForwardStats.parse(recorded("forward-front-end.txt"));
        assertEquals(389_728 / 12_179.0, stats.meanBurst(), EXACT);
        assertEquals(3952.22 / 2.6, stats.nanosPerPacket(), EXACT);
    }

    @Test
    void whatIsNotSaidIsUnknown() {
        assertEquals(ForwardStats.UNKNOWN, ForwardStats.parse(""));
        // Without record-core-cycles, and of one that only receives.
        ForwardStats stats = ForwardStats.parse("""
                  RX-packets: 7
                  TX-packets: 0
                  RX-bursts : 9 [0% of 0 pkts + 100% of 1 pkts]
                """);
        assertEquals(0, stats.emptyShare(), EXACT);
        assertEquals(Double.NaN, stats.meanBurst());
        assertEquals(Double.NaN, stats.nanosPerPacket());
    }

    @Test
    void theSideThatIsLessOftenIdleIsTheLimit() {
        assertEquals(Bottleneck.BACK_END, limit(0.97, 0.43));
        assertEquals(Bottleneck.BACK_END, limit(0.5, 0.4));
        assertEquals(Bottleneck.NEITHER, limit(0.49, 0.4));
        assertEquals(Bottleneck.NEITHER, limit(0.4, 0.49));
        assertEquals(Bottleneck.FRONT_END, limit(0.4, 0.5));
    }

    @Test
    void aFrontEndAloneTellsOnlyExtremes() {
        assertEquals(Bottleneck.NOT_FRONT_END, limit(0.91, Double.NaN));
        assertEquals(Bottleneck.UNKNOWN, limit(0.9, Double.NaN));
        assertEquals(Bottleneck.UNKNOWN, limit(0.1, Double.NaN));
        assertEquals(Bottleneck.NOT_BACK_END, limit(0.09, Double.NaN));
        assertEquals(Bottleneck.UNKNOWN, limit(Double.NaN, 0.2));
    }

    @Test
    void aWindowWithoutItsCpuTellsNoLimit() {
        ForwardStats front = new ForwardStats(0.97, 32, 90);
        ForwardStats back = new ForwardStats(0.43, 32, 86);
        assertEquals(Bottleneck.BACK_END, new PvpPair.Window(9, 4_000_000, true, front, back).bottleneck());
        assertEquals(Bottleneck.UNKNOWN, new PvpPair.Window(9, 4_000_001, true, front, back).bottleneck());
    }

    private static Bottleneck limit(double front, double back) {
        return ForwardStats.bottleneck(
                new ForwardStats(front, 32, 100), new ForwardStats(back, 32, 100));
    }

    private static String recorded(String name) throws IOException {
        try (InputStream file = ForwardStatsTest.class.getResourceAsStream("/testpmd/" + name)) {
            return new String(file.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
