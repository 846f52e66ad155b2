package io.vhost.bpf.map;

import java.lang.foreign.MemorySegment;

/**
 * ARRAY_OF_MAPS and HASH_OF_MAPS: programs look maps up, the application puts them in and takes them out.
 *
 * <p>Thread: any. A program that has found a map keeps it to the end of its run.
 */
public interface MapOfMaps extends BpfTable {
    /**
     * Puts a map in, in place of the one that is there.
     *
     * @return 0 or a negative error number
     */
    int put(MemorySegment keys, long key, BpfTable map);
}
