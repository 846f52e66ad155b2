package io.vhost.bpf.map;

import static io.vhost.bpf.mem.Bytes.INT;

import java.lang.foreign.MemorySegment;

/**
 * Nodes that are in no chain, and how many entries a map has. Some nodes are beyond the map's limit, so that
 * a value can be replaced while the map is full.
 * <pre>
 *   state: | lock | number of free nodes | number of entries | clock's hand |
 * </pre>
 *
 * @param free   free nodes, the next one last
 * @param limit  most entries
 */
record FreeList(MemorySegment state, MemorySegment free, int limit) {
    static final int NONE = -1;
    static final int STATE = 16;

    private static final int COUNT = 4;
    private static final int ENTRIES = 8;
    private static final int HAND = 12;

    /** Makes all nodes free; the lowest is the first to go. */
    void fill() {
        int count = (int) (free.byteSize() / 4);
        for (int i = 0; i < count; i++) {
            INT.set(free, 4L * i, count - 1 - i);
        }
        INT.set(state, (long) COUNT, count);
    }

    /** A node for a new entry, or {@link #NONE} if the map is full. */
    int takeForEntry() {
        SpinLock.lock(state, 0);
        try {
            int entries = (int) INT.get(state, (long) ENTRIES);
            if (entries >= limit) {
                return NONE;
            }
            int node = pop();
            if (node != NONE) {
                INT.set(state, (long) ENTRIES, entries + 1);
            }
            return node;
        } finally {
            SpinLock.unlock(state, 0);
        }
    }

    /** A node to replace another. */
    int takeForReplacement() {
        SpinLock.lock(state, 0);
        try {
            return pop();
        } finally {
            SpinLock.unlock(state, 0);
        }
    }

    private int pop() {
        int count = (int) INT.get(state, (long) COUNT) - 1;
        if (count < 0) {
            return NONE;
        }
        INT.set(state, (long) COUNT, count);
        return (int) INT.get(free, 4L * count);
    }

    /** Gives a node back; {@code entry} if an entry ended with it. */
    void give(int node, boolean entry) {
        SpinLock.lock(state, 0);
        try {
            int count = (int) INT.get(state, (long) COUNT);
            INT.set(free, 4L * count, node);
            INT.set(state, (long) COUNT, count + 1);
            if (entry) {
                INT.set(state, (long) ENTRIES, (int) INT.get(state, (long) ENTRIES) - 1);
            }
        } finally {
            SpinLock.unlock(state, 0);
        }
    }

    /** Moves the clock's hand on and answers where it was. */
    int hand(int nodes) {
        SpinLock.lock(state, 0);
        try {
            int hand = (int) INT.get(state, (long) HAND);
            INT.set(state, (long) HAND, hand + 1 < nodes ? hand + 1 : 0);
            return hand;
        } finally {
            SpinLock.unlock(state, 0);
        }
    }
}
