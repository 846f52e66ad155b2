package io.vhost.bench;

import static io.vhost.bench.CoreDistance.Mode.BETWEEN;
import static io.vhost.bench.CoreDistance.Mode.FAR;
import static io.vhost.bench.CoreDistance.Mode.NEAR;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.bench.CoreDistance.Mode;
import io.vhost.bench.PvpResult.Placed;
import java.util.Map;
import org.junit.jupiter.api.Test;

class PvpResultTest {
    private final PvpResult result = new PvpResult();

    @Test
    void theRatioIsTheMedianOfTheRoundsRatios() {
        result.add(window(10, NEAR), window(12, NEAR));
        result.add(window(20, NEAR), window(30, NEAR));
        result.add(window(1, NEAR), window(9, NEAR));
        assertTrue(result.table().contains("near        3     10.00     12.00   1.50"), result.table());
    }

    @Test
    void nearAndFarAreCountedApart() {
        result.add(window(10, NEAR), window(10, NEAR));
        result.add(window(5, FAR), window(4, FAR));
        assertTrue(result.table().contains("near        1     10.00     10.00   1.00"), result.table());
        assertTrue(result.table().contains("far         1      5.00      4.00   0.80"), result.table());
    }

    @Test
    void aRoundWhoseCpusMovedIsLeftOut() {
        result.add(window(10, NEAR), window(10, FAR));
        result.add(window(10, NEAR), new Placed(new PvpPair.Window(10, 0), NEAR, FAR));
        result.add(window(10, BETWEEN), window(10, BETWEEN));
        assertFalse(result.table().contains("1.00"), result.table());
        assertTrue(result.table().contains("3 with CPUs that moved"), result.table());
    }

    @Test
    void aRoundThatLostItsCpuIsLeftOut() {
        result.add(window(10, NEAR), new Placed(new PvpPair.Window(10, 4_000_001), NEAR, NEAR));
        assertTrue(result.table().contains("left out: 1 rounds without the CPU"), result.table());
    }

    @Test
    void theDelayIsThatOfTheThreadThatRanMost() {
        var before = Map.of("idle", new SchedStat(500, 40), "busy", new SchedStat(100, 7));
        var after = Map.of("idle", new SchedStat(510, 90), "busy", new SchedStat(300, 10),
                "new", new SchedStat(20, 20));
        assertEquals(3, SchedStat.delayOfBusiest(before, after));
    }

    private static Placed window(double megaPacketsPerSecond, Mode mode) {
        return new Placed(new PvpPair.Window(megaPacketsPerSecond, 0), mode, mode);
    }
}
