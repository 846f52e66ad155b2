package io.vhost.app.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class LatencyHistogramTest {
    @Test
    void percentilesAreWithinThreePercentOfTheTruth() {
        Random random = new Random(7);
        LatencyHistogram histogram = new LatencyHistogram();
        long[] values = new long[10_000];
        for (int i = 0; i < values.length; i++) {
            values[i] = random.nextLong() >>> 1 >>> random.nextInt(63);
            histogram.record(values[i]);
        }
        Arrays.sort(values);
        for (double share : new double[] {0.0001, 0.1, 0.5, 0.9, 0.99, 0.999, 1}) {
            long truth = values[(int) Math.ceil(share * values.length) - 1];
            long said = histogram.percentile(share);
            assertTrue(
                    said >= truth && said - truth <= truth * 0.0313,
                    share + ": " + said + " for " + truth);
        }
        assertEquals(values[values.length - 1], histogram.max());
        assertEquals(values.length, histogram.total());
    }

    @Test
    void smallValuesAreExact() {
        LatencyHistogram histogram = new LatencyHistogram();
        for (int i = 0; i < 64; i++) {
            histogram.record(i);
        }
        assertEquals(0, histogram.percentile(1.0 / 64));
        assertEquals(31, histogram.percentile(0.5));
        assertEquals(63, histogram.percentile(1));
    }

    @Test
    void sumsAreAsIfRecordedTogether() {
        LatencyHistogram one = new LatencyHistogram();
        LatencyHistogram other = new LatencyHistogram();
        one.record(10);
        other.record(1_000);
        other.record(-5);
        one.add(other);
        assertEquals(3, one.total());
        assertEquals(1_000, one.max());
        assertEquals(0, one.percentile(0.1));
        assertEquals(10, one.percentile(0.5));
    }

    @Test
    void noneIsZero() {
        LatencyHistogram none = new LatencyHistogram();
        assertEquals(0, none.percentile(0.5));
        assertEquals(0, none.max());
    }

    @Test
    void theLargestValueHasItsPlace() {
        LatencyHistogram histogram = new LatencyHistogram();
        histogram.record(Long.MAX_VALUE);
        assertEquals(Long.MAX_VALUE, histogram.percentile(0.5));
    }
}
