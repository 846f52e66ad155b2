package io.vhost.bpf.map;

import java.lang.foreign.MemorySegment;

/**
 * HASH, PERCPU_HASH, LRU_HASH, LRU_PERCPU_HASH and DEVMAP_HASH.
 *
 * <p>As in the kernel, a value that is replaced is another piece of memory, so that who has found the old one
 * keeps it until the node is used again; of a per-CPU map only the caller's value is written. A full LRU map
 * gives up an entry that was not looked up since the clock's hand came by.
 *
 * @param stride    bytes from one entry's value to the next
 * @param cpuStride bytes from one CPU's value to the next, 0 if there is one value for all
 * @param cpus      number of CPUs
 * @param lru       whether a full map gives up entries
 * @param seed      what hashes begin with
 */
record HashTable(MapSpec spec, MemorySegment values, HashNodes nodes, FreeList free, long stride,
                 long cpuStride, int cpus, boolean lru, long seed) implements BpfTable {
    private static final int MAX_EVICTIONS = 64;

    @Override
    public long lookup(MemorySegment keys, long key, int cpu) {
        int node = nodes.find(Words.hash(keys, key, spec.keySize(), seed), keys, key);
        if (node == HashNodes.NONE || cpu >= cpus) {
            return ABSENT;
        }
        if (lru) {
            nodes.use(node);
        }
        return valueAt(node, cpu);
    }

    @Override
    public int update(MemorySegment keys, long key, MemorySegment from, long value, long flags, int cpu) {
        if (Long.compareUnsigned(flags & ~Errno.LOCK, Errno.EXIST) > 0 || cpu >= cpus) {
            return Errno.EINVAL;
        }
        int hash = Words.hash(keys, key, spec.keySize(), seed);
        for (int evictions = 0; evictions < MAX_EVICTIONS; evictions++) {
            int result = tryUpdate(hash, keys, key, from, value, flags, cpu);
            if (result != Errno.E2BIG || !lru) {
                return result;
            }
            evict();
        }
        return Errno.ENOMEM;
    }

    private int tryUpdate(int hash, MemorySegment keys, long key, MemorySegment from, long value, long flags,
            int cpu) {
        nodes.lock(hash);
        try {
            int old = nodes.findLocked(hash, keys, key);
            if (old != HashNodes.NONE && (flags & Errno.NOEXIST) != 0) {
                return Errno.EEXIST;
            }
            if (old == HashNodes.NONE && (flags & Errno.EXIST) != 0) {
                return Errno.ENOENT;
            }
            if (old != HashNodes.NONE && cpuStride > 0) {
                Words.copy(from, value, values, valueAt(old, cpu), spec.valueSize());
                nodes.use(old);
                return 0;
            }
            return insert(old, hash, keys, key, from, value, cpu);
        } finally {
            nodes.unlock(hash);
        }
    }

    private int insert(int old, int hash, MemorySegment keys, long key, MemorySegment from, long value,
            int cpu) {
        int node = old == HashNodes.NONE ? free.takeForEntry() : free.takeForReplacement();
        if (node == FreeList.NONE) {
            return Errno.E2BIG;
        }
        boolean linked = false;
        try {
            if (cpuStride > 0) {
                values.asSlice(node * stride, stride).fill((byte) 0);
            }
            Words.copy(from, value, values, valueAt(node, cpu), spec.valueSize());
            nodes.link(node, hash, keys, key);
            linked = true;
        } finally {
            if (!linked) {   // the program's pointer was no good
                free.give(node, old == HashNodes.NONE);
            }
        }
        if (old != HashNodes.NONE && nodes.unlink(old, hash)) {
            free.give(old, false);
        }
        return 0;
    }

    /** Gives up one entry, or finds that others have. */
    private void evict() {
        int count = places();
        for (int i = 0; i < 2 * count; i++) {
            int node = free.hand(count);
            if (nodes.isIdle(node)) {
                int hash = nodes.hash(node);
                nodes.lock(hash);
                try {
                    if (nodes.hash(node) == hash && nodes.unlink(node, hash)) {
                        free.give(node, true);
                        return;
                    }
                } finally {
                    nodes.unlock(hash);
                }
            }
        }
    }

    @Override
    public int delete(MemorySegment keys, long key) {
        int hash = Words.hash(keys, key, spec.keySize(), seed);
        nodes.lock(hash);
        try {
            int node = nodes.findLocked(hash, keys, key);
            if (node == HashNodes.NONE) {
                return Errno.ENOENT;
            }
            nodes.unlink(node, hash);
            free.give(node, true);
            return 0;
        } finally {
            nodes.unlock(hash);
        }
    }

    @Override
    public int places() {
        return (int) (values.byteSize() / stride);
    }

    @Override
    public boolean key(int place, MemorySegment to, long offset) {
        nodes.copyKey(place, to, offset);
        return nodes.isLinked(place);
    }

    @Override
    public long valueAt(int place, int cpu) {
        return place * stride + cpu * cpuStride;
    }
}
