package io.vhost.bpf.map;

import io.vhost.bpf.mem.Address;
import java.lang.foreign.MemorySegment;

/**
 * A map. Keys and values come as a segment and an offset, so that no call allocates; offsets that do not fit
 * end in an unchecked exception. Results are 0 or a negative error number of Linux.
 *
 * <p>What implements it is a record where it is on a hot path: a compiled program has its maps as constants,
 * and of a constant record the JVM's compiler takes the components for constants, too.
 *
 * <p>Thread: any.
 */
public interface BpfTable {
    /** What {@link #lookup} answers if there is no such key. */
    long ABSENT = -1;

    /** What it was made from. */
    MapSpec spec();

    /** All values: what a program can reach. Empty if the map's values are no memory. */
    MemorySegment values();

    /**
     * Where a key's value is in {@link #values}, or {@link #ABSENT}.
     *
     * @param cpu the caller's number, for maps that have a value for each
     */
    long lookup(MemorySegment keys, long key, int cpu);

    /**
     * Sets a key's value.
     *
     * @param flags 0 in any case, 1 only if the key is new, 2 only if it is there
     */
    int update(MemorySegment keys, long key, MemorySegment from, long value, long flags, int cpu);

    /** Removes a key. */
    int delete(MemorySegment keys, long key);

    /** The same values, which nobody can change through what is returned; itself where there are none. */
    default BpfTable frozen() {
        return this;
    }

    /** The map that an entry of a map of maps refers to, or null. */
    default BpfTable inner(MemorySegment keys, long key) {
        return null;
    }

    /** Number of places for entries, used or not: what {@link #key} and {@link #valueAt} take. */
    int places();

    /** Copies the key at a place; false if there is no entry. It may be gone as soon as this returns. */
    boolean key(int place, MemorySegment to, long offset);

    /** Where the value at a place is, for a CPU; of entries that exist. */
    long valueAt(int place, int cpu);

    /** An address among the values of the map with this number, from what {@link #lookup} answered; or 0. */
    static long address(int map, long offset) {
        return offset == ABSENT ? 0 : Address.ofValues(map) + offset;
    }
}
