package io.vhost.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.state.MemoryRegion;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Huge pages by arithmetic, so that this is tested where there are none. */
class WindowLayoutTest {
    private static final long PAGE = 4096;
    private static final long LARGE = 2 << 20;
    private static final long HUGE = 1 << 30;

    @Test
    void eachRegionTakesWholeBlocksOfItsFile() {
        WindowLayout layout = new WindowLayout(
                List.of(region(PAGE + 16, 0), region(3 * PAGE, LARGE - PAGE), region(1, 5 * PAGE + 1)),
                new long[] {PAGE, LARGE, PAGE});
        assertEquals(0, layout.place(0));
        assertEquals(LARGE, layout.place(1), "2 pages are taken, the next large one is free");
        assertEquals(3 * LARGE, layout.place(2), "3 pages from the end of a large one touch two of those");
        assertEquals(3 * LARGE + PAGE, layout.length());
        assertEquals(LARGE, layout.alignment());
    }

    @Test
    void regionsOfWholeBlocksFollowEachOtherWithoutGap() {
        WindowLayout layout = new WindowLayout(
                List.of(region(LARGE, 0), region(3 * LARGE, 7 * LARGE), region(PAGE, 0)),
                new long[] {LARGE, LARGE, PAGE});
        assertEquals(0, layout.place(0));
        assertEquals(LARGE, layout.place(1));
        assertEquals(4 * LARGE, layout.place(2));
    }

    @Test
    void theLargestTablesDoNotOverflow() {
        MemoryRegion largest = region(RegionRules.MAX_SIZE, Long.MAX_VALUE - RegionRules.MAX_SIZE);
        int count = GuestMemory.MAX_REGIONS;
        long[] blocks = new long[count];
        Arrays.fill(blocks, HUGE);
        WindowLayout layout = new WindowLayout(Collections.nCopies(count, largest), blocks);
        assertTrue(layout.length() >= count * RegionRules.MAX_SIZE);
        assertTrue(layout.place(count - 1) > layout.place(count - 2));
    }

    private static MemoryRegion region(long size, long fileOffset) {
        return new MemoryRegion(0, 0, size, fileOffset);
    }
}
