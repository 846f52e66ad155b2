package io.vhost.bench;

import static io.vhost.bench.CoreDistance.Mode.FAR;
import static io.vhost.bench.CoreDistance.Mode.NEAR;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.bench.CoreDistance.Mode;
import io.vhost.bench.PvpResult.Placed;
import org.junit.jupiter.api.Test;

class PvpCellTest {
    @Test
    void quartilesLieBetweenValues() {
        assertEquals(new Spread(1, 3, 3, 3, 3, 3), Spread.of(3));
        assertEquals(new Spread(2, 1, 1.5, 2, 2.5, 3), Spread.of(3, 1));
        assertEquals(new Spread(5, 1, 2, 3, 4, 5), Spread.of(5, 1, 4, 2, 3));
        assertThrows(IllegalArgumentException.class, Spread::of);
        assertThrows(IllegalArgumentException.class, () -> Spread.of(1, Double.NaN));
    }

    @Test
    void anInstanceIsOneSampleHoweverManyRoundsItHad() {
        PvpCell cell = new PvpCell();
        PvpResult many = new PvpResult();
        for (int i = 0; i < 9; i++) {
            many.add(window(10, NEAR), window(20, NEAR));
        }
        cell.add(many);
        cell.add(instance(10, 10, NEAR));
        cell.add(instance(10, 11, NEAR));
        assertTrue(cell.table().contains("near           3     10.00     11.00   1.10   1.05 to 1.55   "
                + "1.00 to 2.00"), cell.table());
    }

    @Test
    void aControlIsGoodToThreePerCent() {
        assertFalse(control(10, 9.699).passesAsControl(NEAR));
        assertTrue(control(10, 9.7).passesAsControl(NEAR));
        assertTrue(control(10, 10.3).passesAsControl(NEAR));
        assertFalse(control(10, 10.301).passesAsControl(NEAR));
        assertFalse(control(10, 10).passesAsControl(FAR));
    }

    @Test
    void aCellWithoutAGoodControlOfBothSidesIsNotReported() {
        PvpCell cell = control(10, 15);
        assertEquals("", cell.objections(control(10, 10), control(10, 10.1)));
        assertTrue(cell.objections(control(10, 10), control(10, 10.5)).startsWith("near: NOT REPORTED"));
        assertTrue(cell.objections(control(10, 10), new PvpCell()).startsWith("near: NOT REPORTED"));
    }

    @Test
    void aWindowIsALineWithAllColumns() {
        PvpCsv csv = new PvpCsv();
        csv.comment("machine", "a\nb");
        csv.columns();
        csv.window("cell", 2, 'B', "in_order=0,\"x\"", 64, window(1.5, NEAR));
        csv.window("cell", 2, 'A', "", 64, new Placed(new PvpPair.Window(2, 7, true,
                new ForwardStats(0.97, 32, 90), new ForwardStats(0.4, 31.5, 86)), NEAR, FAR));
        assertEquals("# machine: a b\n" + PvpCsv.COLUMNS
                + "cell,2,B,\"in_order=0,\"\"x\"\"\",64,NEAR,NEAR,1.500,false,,,,,,,UNKNOWN,0\n"
                + "cell,2,A,\"\",64,NEAR,FAR,2.000,true,0.970,32.000,90.000,0.400,31.500,86.000,BACK_END,7\n",
                csv.toString());
        assertEquals(PvpCsv.COLUMNS.split(",").length,
                csv.toString().lines().toList().getLast().split(",").length);
    }

    private static PvpCell control(double a, double b) {
        PvpCell cell = new PvpCell();
        cell.add(instance(a, b, NEAR));
        return cell;
    }

    private static PvpResult instance(double a, double b, Mode mode) {
        PvpResult result = new PvpResult();
        result.add(window(a, mode), window(b, mode));
        return result;
    }

    private static Placed window(double megaPacketsPerSecond, Mode mode) {
        return new Placed(new PvpPair.Window(megaPacketsPerSecond, 0), mode, mode);
    }
}
