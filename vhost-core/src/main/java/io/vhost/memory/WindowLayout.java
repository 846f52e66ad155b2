package io.vhost.memory;

import io.vhost.state.MemoryRegion;
import java.util.List;

/**
 * Where the regions of a table go in their window.
 *
 * <p>A file is mapped in blocks, which may be huge pages. So each region takes whole blocks, and begins as
 * far into its first one as it does in the file. Regions follow each other without gap where blocks allow:
 * those that are neighbours in the guest are neighbours in the window then.
 */
final class WindowLayout {
    private final long[] places;
    private final long length;
    private final long alignment;

    /**
     * Lays regions out in the order given.
     *
     * @param regions checked regions
     * @param blockSizes of their files in bytes, powers of two
     */
    WindowLayout(List<MemoryRegion> regions, long[] blockSizes) {
        places = new long[blockSizes.length];
        long end = 0;
        long largest = 1;
        for (int i = 0; i < places.length; i++) {
            MemoryRegion region = regions.get(i);
            long block = blockSizes[i];
            places[i] = roundUp(end, block);
            end = places[i] + roundUp((region.fileOffset() & (block - 1)) + region.size(), block);
            largest = Math.max(largest, block);
        }
        length = end;
        alignment = largest;
    }

    /** {@return where the first block of a region begins in the window} */
    long place(int region) {
        return places[region];
    }

    /** {@return bytes of the window} */
    long length() {
        return length;
    }

    /** {@return what the window's address has to be a multiple of} */
    long alignment() {
        return alignment;
    }

    private static long roundUp(long value, long unit) {
        return (value + unit - 1) & -unit;
    }
}
