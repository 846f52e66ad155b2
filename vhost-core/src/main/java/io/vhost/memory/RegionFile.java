package io.vhost.memory;

import io.vhost.os.Descriptor;

/** A region and the file that came with it. */
record RegionFile(MemoryRegion region, Descriptor file) {
    /**
     * Checks that the file holds the region. What is not a regular file has no size that could tell.
     *
     * @throws MemoryTableException if the file ends before the region does
     */
    void checkLength() throws MemoryTableException {
        if (file.isRegularFile() && file.size() - region.fileOffset() < region.size()) {
            throw new MemoryTableException(
                    "memory region " + region + " exceeds its file of " + file.size() + " bytes");
        }
    }
}
