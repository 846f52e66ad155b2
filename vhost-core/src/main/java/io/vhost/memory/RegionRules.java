package io.vhost.memory;

import io.vhost.state.MemoryRegion;
import java.util.Comparator;
import java.util.List;

/** What must hold of the regions of a table before any of them is mapped. */
final class RegionRules {
    static final Comparator<MemoryRegion> BY_GUEST_ADDRESS =
            (one, other) -> Long.compareUnsigned(one.guestAddress(), other.guestAddress());

    /** No process can map more, so sums of sizes and offsets up to here need no overflow check. */
    static final long MAX_SIZE = 1L << 48;

    /** Ring structures are aligned to 16 bytes at most. */
    private static final long ALIGNMENT_MASK = 15;

    private RegionRules() {}

    /**
     * Checks each region, and all of them together.
     *
     * @param sorted regions, ascending {@link #BY_GUEST_ADDRESS}
     * @throws MemoryTableException if one of them is empty, too large or wraps around, or if two overlap in
     *     the guest. Two may overlap in the front-end's process: it may show one memory to its guest twice
     */
    static void check(List<MemoryRegion> sorted) throws MemoryTableException {
        MemoryRegion previous = null;
        for (MemoryRegion region : sorted) {
            check(region);
            if (previous != null && reaches(previous, region)) {
                throw new MemoryTableException("memory regions overlap: " + previous + " and " + region);
            }
            previous = region;
        }
    }

    /**
     * Checks that an address which is aligned in the guest, or in the front-end's process, is so in the
     * window too. Were it not, a front-end could make an access to its ring fail for want of alignment.
     */
    static void checkAlignment(MemoryRegion region) throws MemoryTableException {
        long offset = region.fileOffset();
        if ((((region.guestAddress() ^ offset) | (region.userAddress() ^ offset)) & ALIGNMENT_MASK) != 0) {
            throw new MemoryTableException(
                    "memory region is not aligned alike in guest, front-end and file: " + region);
        }
    }

    private static void check(MemoryRegion region) throws MemoryTableException {
        long size = region.size();
        if (size == 0) {
            throw new MemoryTableException("memory region is empty: " + region);
        }
        if (Long.compareUnsigned(size, MAX_SIZE) > 0) {
            throw new MemoryTableException("memory region is larger than 2^48 bytes: " + region);
        }
        if (wraps(region.guestAddress(), size) || wraps(region.userAddress(), size)) {
            throw new MemoryTableException("memory region wraps around 2^64: " + region);
        }
        if (region.fileOffset() < 0 || region.fileOffset() > Long.MAX_VALUE - size) {
            throw new MemoryTableException("memory region lies beyond 2^63 in its file: " + region);
        }
    }

    /** The last byte is compared, not the end: a region may end with the address space. */
    private static boolean wraps(long start, long size) {
        return Long.compareUnsigned(start + size - 1, start) < 0;
    }

    private static boolean reaches(MemoryRegion region, MemoryRegion next) {
        return Long.compareUnsigned(next.guestAddress() - region.guestAddress(), region.size()) < 0;
    }
}
