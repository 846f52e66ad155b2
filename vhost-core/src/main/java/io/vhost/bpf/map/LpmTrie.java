package io.vhost.bpf.map;

import static io.vhost.bpf.mem.Bytes.ATOMIC_INT;
import static io.vhost.bpf.mem.Bytes.BYTE;
import static io.vhost.bpf.mem.Bytes.INT;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;

/**
 * LPM_TRIE: the longest prefix that a key begins with. A key is the prefix's length in bits and its bytes.
 * <pre>
 *   nodes: per node | child 0: 32 | child 1: 32 | prefix length: 32 | 1 if an entry: 32 | bytes, padded |
 *   state: | lock | version, odd while a writer is at work | root |
 * </pre>
 *
 * <p>Readers take no lock: they look again if a writer came between.
 *
 * @param stride      bytes from one node to the next
 * @param valueStride bytes from one value to the next
 */
record LpmTrie(MapSpec spec, MemorySegment values, MemorySegment nodes, MemorySegment state, FreeList free,
               long stride, long valueStride) implements BpfTable {
    static final int STATE = 16;
    static final int HEADER = 16;
    /** Bytes of a key before the prefix's own. */
    static final int LENGTH = 4;

    private static final int NONE = -1;
    private static final long VERSION = 4;
    private static final long ROOT = 8;
    private static final int MAX_ATTEMPTS = 100;

    /** An empty trie. */
    void clear() {
        INT.set(state, ROOT, NONE);
    }

    private int bits() {
        return 8 * (spec.keySize() - LENGTH);
    }

    private long place(int node) {
        return node * stride;
    }

    private int prefix(int node) {
        return (int) INT.get(nodes, place(node) + 8);
    }

    private boolean isEntry(int node) {
        return (int) INT.get(nodes, place(node) + 12) != 0;
    }

    private int child(int node, int bit) {
        return (int) INT.get(nodes, place(node) + 4L * bit);
    }

    /** The slot of a child as an offset in the nodes; that of the root is negative. */
    private int at(long slot) {
        return slot < 0 ? (int) INT.get(state, ROOT) : (int) INT.get(nodes, slot);
    }

    private void put(long slot, int node) {
        if (slot < 0) {
            INT.set(state, ROOT, node);
        } else {
            INT.set(nodes, slot, node);
        }
    }

    private static int bit(MemorySegment segment, long bytes, int index) {
        return (byte) BYTE.get(segment, bytes + (index >> 3)) >> (7 - (index & 7)) & 1;
    }

    /** How many bits, at most {@code limit}, a node's prefix and the bytes of a key have in common. */
    private int common(int node, MemorySegment keys, long bytes, int limit) {
        int count = Math.min(limit, prefix(node));
        long own = place(node) + HEADER;
        int at = 0;
        while (at < count
                && (byte) BYTE.get(nodes, own + (at >> 3)) == (byte) BYTE.get(keys, bytes + (at >> 3))) {
            at += 8;
        }
        while (at < count && bit(nodes, own, at) == bit(keys, bytes, at)) {
            at++;
        }
        return Math.min(at, count);
    }

    @Override
    public long lookup(MemorySegment keys, long key, int cpu) {
        int length = (int) INT.get(keys, key);
        if (Integer.compareUnsigned(length, bits()) > 0) {
            return ABSENT;
        }
        for (int attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
            int version = (int) ATOMIC_INT.getAcquire(state, VERSION);
            if ((version & 1) == 0) {
                int found = find(keys, key + LENGTH, length);
                VarHandle.acquireFence();
                if ((int) ATOMIC_INT.get(state, VERSION) == version) {
                    return found == NONE ? ABSENT : valueAt(found, cpu);
                }
            }
            Thread.onSpinWait();
        }
        SpinLock.lock(state, 0);
        try {
            int found = find(keys, key + LENGTH, length);
            return found == NONE ? ABSENT : valueAt(found, cpu);
        } finally {
            SpinLock.unlock(state, 0);
        }
    }

    private int find(MemorySegment keys, long bytes, int length) {
        int found = NONE;
        int node = at(NONE);
        // A reader that a writer disturbs may be led in a circle.
        for (int depth = 0; node != NONE && depth <= bits(); depth++) {
            int own = prefix(node);
            if (common(node, keys, bytes, length) < own) {
                break;
            }
            if (isEntry(node)) {
                found = node;
            }
            if (own >= length) {
                break;
            }
            node = child(node, bit(keys, bytes, own));
        }
        return found;
    }

    @Override
    public int update(MemorySegment keys, long key, MemorySegment from, long value, long flags, int cpu) {
        int length = (int) INT.get(keys, key);
        if (Long.compareUnsigned(flags, Errno.EXIST) > 0 || Integer.compareUnsigned(length, bits()) > 0) {
            return Errno.EINVAL;
        }
        begin();
        try {
            return insert(keys, key + LENGTH, length, from, value, flags);
        } finally {
            end();
        }
    }

    private void begin() {
        SpinLock.lock(state, 0);
        ATOMIC_INT.set(state, VERSION, (int) ATOMIC_INT.get(state, VERSION) + 1);
        VarHandle.fullFence();
    }

    private void end() {
        ATOMIC_INT.setRelease(state, VERSION, (int) ATOMIC_INT.get(state, VERSION) + 1);
        SpinLock.unlock(state, 0);
    }

    private int insert(MemorySegment keys, long bytes, int length, MemorySegment from, long value,
            long flags) {
        long slot = NONE;
        int node = at(slot);
        int common = 0;
        while (node != NONE) {
            common = common(node, keys, bytes, length);
            if (prefix(node) != common || common == length) {
                break;
            }
            slot = place(node) + 4L * bit(keys, bytes, common);
            node = at(slot);
        }
        boolean same = node != NONE && prefix(node) == length && common == length;
        boolean exists = same && isEntry(node);
        if (exists && flags == Errno.NOEXIST) {
            return Errno.EEXIST;
        }
        if (!exists && flags == Errno.EXIST) {
            return Errno.ENOENT;
        }
        int added = exists ? free.takeForReplacement() : free.takeForEntry();
        if (added == FreeList.NONE) {
            return Errno.ENOSPC;
        }
        boolean complete = false;
        try {
            Words.copy(from, value, values, valueAt(added, 0), spec.valueSize());
            write(added, keys, bytes, length, true);
            complete = true;
        } finally {
            if (!complete) {   // the program's pointer was no good
                free.give(added, !exists);
            }
        }
        place(slot, node, added, same, common, length, keys, bytes);
        return 0;
    }

    /** Hangs a new node into the trie, where the walk ended at {@code node} in {@code slot}. */
    private void place(long slot, int node, int added, boolean same, int common, int length,
            MemorySegment keys, long bytes) {
        if (node == NONE) {
            put(slot, added);
        } else if (same) {
            INT.set(nodes, place(added), child(node, 0));
            INT.set(nodes, place(added) + 4, child(node, 1));
            put(slot, added);
            free.give(node, false);
        } else if (common == length) {
            INT.set(nodes, place(added) + 4L * bit(nodes, place(node) + HEADER, common), node);
            put(slot, added);
        } else {
            int fork = free.takeForReplacement();
            write(fork, keys, bytes, common, false);
            int side = bit(keys, bytes, common);
            INT.set(nodes, place(fork) + 4L * side, added);
            INT.set(nodes, place(fork) + 4L * (1 - side), node);
            put(slot, fork);
        }
    }

    private void write(int node, MemorySegment keys, long bytes, int length, boolean entry) {
        INT.set(nodes, place(node), NONE);
        INT.set(nodes, place(node) + 4, NONE);
        INT.set(nodes, place(node) + 8, length);
        INT.set(nodes, place(node) + 12, entry ? 1 : 0);
        Words.copy(keys, bytes, nodes, place(node) + HEADER, spec.keySize() - LENGTH);
    }

    @Override
    public int delete(MemorySegment keys, long key) {
        int length = (int) INT.get(keys, key);
        if (Integer.compareUnsigned(length, bits()) > 0) {
            return Errno.EINVAL;
        }
        begin();
        try {
            return remove(keys, key + LENGTH, length);
        } finally {
            end();
        }
    }

    private int remove(MemorySegment keys, long bytes, int length) {
        long parentSlot = NONE;
        int parent = NONE;
        long slot = NONE;
        int node = at(slot);
        while (node != NONE) {
            int common = common(node, keys, bytes, length);
            if (prefix(node) != common || common == length) {
                break;
            }
            parent = node;
            parentSlot = slot;
            slot = place(node) + 4L * bit(keys, bytes, common);
            node = at(slot);
        }
        boolean found = node != NONE && isEntry(node) && prefix(node) == length
                && common(node, keys, bytes, length) == length;
        if (!found) {
            return Errno.ENOENT;
        }
        int zero = child(node, 0);
        int one = child(node, 1);
        if (zero != NONE && one != NONE) {
            split(slot, node, zero, one);
        } else if (zero == NONE && one == NONE && parent != NONE && !isEntry(parent)) {
            int other = child(parent, 0) == node ? child(parent, 1) : child(parent, 0);
            put(parentSlot, other);
            free.give(parent, false);
            free.give(node, true);
        } else {
            put(slot, zero == NONE ? one : zero);
            free.give(node, true);
        }
        return 0;
    }

    /** What still forks is no entry any more: another node, whose value nobody has found. */
    private void split(long slot, int node, int zero, int one) {
        int fork = free.takeForReplacement();
        write(fork, nodes, place(node) + HEADER, prefix(node), false);
        INT.set(nodes, place(fork), zero);
        INT.set(nodes, place(fork) + 4, one);
        put(slot, fork);
        free.give(node, true);
    }

    @Override
    public int places() {
        return (int) (values.byteSize() / valueStride);
    }

    @Override
    public boolean key(int place, MemorySegment to, long offset) {
        INT.set(to, offset, prefix(place));
        Words.copy(nodes, place(place) + HEADER, to, offset + LENGTH, spec.keySize() - LENGTH);
        SpinLock.lock(state, 0);
        try {
            return find(to, offset + LENGTH, (int) INT.get(to, offset)) == place;
        } finally {
            SpinLock.unlock(state, 0);
        }
    }

    @Override
    public long valueAt(int place, int cpu) {
        return place * valueStride;
    }
}
