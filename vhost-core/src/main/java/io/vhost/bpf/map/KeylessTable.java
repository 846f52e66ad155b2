package io.vhost.bpf.map;

import java.lang.foreign.MemorySegment;

/** A map without keys: nothing can be looked up, and what asks for a key is refused. */
interface KeylessTable extends BpfTable {
    /** What the kernel answers to who asks for a key: a negative error number. */
    int refusal();

    @Override
    default long lookup(MemorySegment keys, long key, int cpu) {
        return ABSENT;
    }

    @Override
    default int update(MemorySegment keys, long key, MemorySegment from, long value, long flags, int cpu) {
        return refusal();
    }

    @Override
    default int delete(MemorySegment keys, long key) {
        return refusal();
    }

    @Override
    default int places() {
        return 0;
    }

    @Override
    default boolean key(int place, MemorySegment to, long offset) {
        return false;
    }

    @Override
    default long valueAt(int place, int cpu) {
        return ABSENT;
    }
}
