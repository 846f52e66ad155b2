package io.vhost.memory;

import io.vhost.os.Descriptor;
import io.vhost.state.MemoryBacking;
import io.vhost.state.MemoryRegion;

/** A region and the file that came with it. */
record RegionFile(MemoryRegion region, Descriptor file) {
    /**
     * Checks that the file is one that holds the region.
     *
     * @throws MemoryTableException if it is not
     */
    MemoryBacking check(MemoryRules rules) throws MemoryTableException {
        return new SharedFile("memory region " + region, file, region.fileOffset(), region.size())
                .check(rules);
    }
}
