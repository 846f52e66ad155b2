package io.vhost.memory;

import java.util.Comparator;
import java.util.List;

/**
 * One entry of a memory table, as received: nothing about it is checked yet. All values are unsigned.
 *
 * @param guestAddress where it begins in the guest
 * @param userAddress where it begins in the front-end's process
 * @param size bytes
 * @param fileOffset where it begins in the file that came with it
 */
public record MemoryRegion(long guestAddress, long userAddress, long size, long fileOffset) {
    static final Comparator<MemoryRegion> BY_GUEST_ADDRESS =
            (one, other) -> Long.compareUnsigned(one.guestAddress, other.guestAddress);

    /** No process can map more, so sums of sizes and offsets up to here need no overflow check. */
    static final long MAX_SIZE = 1L << 48;

    /** Ring structures are aligned to 16 bytes at most. */
    private static final long ALIGNMENT_MASK = 15;

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
            region.check();
            if (previous != null && previous.reaches(region)) {
                throw new MemoryTableException("memory regions overlap: " + previous + " and " + region);
            }
            previous = region;
        }
    }

    /**
     * Checks that an address which is aligned in the guest, or in the front-end's process, is so in the
     * window too. Were it not, a front-end could make an access to its ring fail for want of alignment.
     */
    void checkAlignment() throws MemoryTableException {
        if ((((guestAddress ^ fileOffset) | (userAddress ^ fileOffset)) & ALIGNMENT_MASK) != 0) {
            throw new MemoryTableException(
                    "memory region is not aligned alike in guest, front-end and file: " + this);
        }
    }

    private void check() throws MemoryTableException {
        if (size == 0) {
            throw new MemoryTableException("memory region is empty: " + this);
        }
        if (Long.compareUnsigned(size, MAX_SIZE) > 0) {
            throw new MemoryTableException("memory region is larger than 2^48 bytes: " + this);
        }
        if (wraps(guestAddress) || wraps(userAddress)) {
            throw new MemoryTableException("memory region wraps around 2^64: " + this);
        }
        if (fileOffset < 0 || fileOffset > Long.MAX_VALUE - size) {
            throw new MemoryTableException("memory region lies beyond 2^63 in its file: " + this);
        }
    }

    /** The last byte is compared, not the end: a region may end with the address space. */
    private boolean wraps(long start) {
        return Long.compareUnsigned(start + size - 1, start) < 0;
    }

    private boolean reaches(MemoryRegion next) {
        return Long.compareUnsigned(next.guestAddress - guestAddress, size) < 0;
    }

    /** {@return the values in hexadecimal} */
    @Override
    public String toString() {
        return "[guest=0x" + Long.toHexString(guestAddress) + " user=0x" + Long.toHexString(userAddress)
                + " size=0x" + Long.toHexString(size) + " offset=0x" + Long.toHexString(fileOffset) + "]";
    }
}
