package io.vhost.bpf.map;

import static io.vhost.bpf.mem.Bytes.ATOMIC_INT;
import static io.vhost.bpf.mem.Bytes.ATOMIC_LONG;
import static io.vhost.bpf.mem.Bytes.BYTE;
import static io.vhost.bpf.mem.Bytes.INT;
import static io.vhost.bpf.mem.Bytes.LONG;

import java.lang.foreign.MemorySegment;

/**
 * The chains of a hash table, outside what programs can reach.
 * <pre>
 *   heads: per bucket | first node, or ~bucket |
 *   nodes: per node   | next node, or ~bucket: 32 | hash: 32 | key, padded |
 *   locks: per bucket | lock: 32 | how often a node was taken out: 32 |
 *   marks: per node   | linked: 8 | used since the clock came by: 8 |
 * </pre>
 *
 * <p>Readers take no lock. A chain ends with its bucket's number: a reader that was led into another chain,
 * because a node was taken out and put in again under its eyes, sees that and starts anew. So does one that
 * has found nothing while a node was taken out: what it looks for may have been put in behind its back, in
 * front. Writers hold the bucket's lock.
 *
 * @param stride  bytes from one node to the next
 * @param mask    number of buckets, minus 1
 * @param keySize bytes of a key
 */
record HashNodes(MemorySegment heads, MemorySegment nodes, MemorySegment marks, MemorySegment locks,
                 long stride, int mask, int keySize) {
    static final int NONE = -1;
    /** Bytes of a bucket in {@link #locks}. */
    static final long LOCK = 8;

    private static final long LOW = 0xFFFFFFFFL;
    private static final int KEY = 8;
    private static final byte YES = 1;
    private static final byte NO = 0;
    // Only writers that never stop come near it.
    private static final int MAX_RESTARTS = 1000;

    /** Ends every chain where it begins. */
    void clear() {
        for (int bucket = 0; bucket <= mask; bucket++) {
            ATOMIC_INT.set(heads, 4L * bucket, ~bucket);
        }
    }

    /** The node with this key, or {@link #NONE}; without a lock. */
    int find(int hash, MemorySegment keys, long key) {
        int first = head(hash & mask);
        if (first < 0) {
            return NONE;   // at that moment nothing was in this chain
        }
        int node = walk(first, hash, keys, key);
        return node >= 0 ? node : findAgain(hash, keys, key);
    }

    /** The node with this key from a chain's first node on, or what the chain ends with. */
    private int walk(int first, int hash, MemorySegment keys, long key) {
        int node = first;
        while (node >= 0) {
            long link = (long) ATOMIC_LONG.getAcquire(nodes, node * stride);
            if ((int) (link >>> Integer.SIZE) == hash && isKey(node, keys, key)) {
                return node;
            }
            node = (int) link;
        }
        return node;
    }

    /** Nothing was found: is nothing there? Apart from {@link #find}, which finds something as a rule. */
    private int findAgain(int hash, MemorySegment keys, long key) {
        int bucket = hash & mask;
        for (int restarts = 0; restarts < MAX_RESTARTS; restarts++) {
            int before = takenOut(bucket);
            int node = walk(head(bucket), hash, keys, key);
            if (node >= 0) {
                return node;
            }
            if (~node == bucket && takenOut(bucket) == before) {
                return NONE;
            }
        }
        lock(bucket);
        try {
            return findLocked(hash, keys, key);
        } finally {
            unlock(bucket);
        }
    }

    /** The usual sizes first: with loops for the others, a walk is too large to be compiled into callers. */
    private boolean isKey(int node, MemorySegment keys, long key) {
        long at = node * stride + KEY;
        return switch (keySize) {
            case Integer.BYTES -> (int) INT.get(nodes, at) == (int) INT.get(keys, key);
            case Long.BYTES -> (long) LONG.get(nodes, at) == (long) LONG.get(keys, key);
            default -> Words.equal(nodes, at, keys, key, keySize);
        };
    }

    private int head(int bucket) {
        return (int) ATOMIC_INT.getAcquire(heads, 4L * bucket);
    }

    private int takenOut(int bucket) {
        return (int) ATOMIC_INT.getAcquire(locks, LOCK * bucket + 4);
    }

    /** The same under the bucket's lock. */
    int findLocked(int hash, MemorySegment keys, long key) {
        int node = head(hash & mask);
        while (node >= 0) {
            long link = (long) ATOMIC_LONG.get(nodes, node * stride);
            if ((int) (link >>> Integer.SIZE) == hash && isKey(node, keys, key)) {
                return node;
            }
            node = (int) link;
        }
        return NONE;
    }

    /** Puts a node with its key in front of its chain; under the bucket's lock. */
    void link(int node, int hash, MemorySegment keys, long key) {
        Words.copy(keys, key, nodes, node * stride + KEY, keySize);
        int bucket = hash & mask;
        ATOMIC_LONG.setRelease(nodes, node * stride, (head(bucket) & LOW) | (long) hash << Integer.SIZE);
        BYTE.set(marks, 2L * node + 1, NO);   // only a look-up counts, as in the kernel
        BYTE.set(marks, 2L * node, YES);
        ATOMIC_INT.setRelease(heads, 4L * bucket, node);
    }

    /** Takes a node out of its chain; under the bucket's lock. False if it is not there. */
    boolean unlink(int node, int hash) {
        int bucket = hash & mask;
        int next = (int) (long) ATOMIC_LONG.get(nodes, node * stride);
        int at = head(bucket);
        ATOMIC_INT.setRelease(locks, LOCK * bucket + 4, takenOut(bucket) + 1);
        if (at == node) {
            ATOMIC_INT.setRelease(heads, 4L * bucket, next);
        } else {
            while (at >= 0) {
                long link = (long) ATOMIC_LONG.get(nodes, at * stride);
                if ((int) link == node) {
                    long skipping = (link & ~LOW) | (next & LOW);
                    ATOMIC_LONG.setRelease(nodes, at * stride, skipping);
                    break;
                }
                at = (int) link;
            }
            if (at < 0) {
                return false;
            }
        }
        BYTE.set(marks, 2L * node, NO);
        return true;
    }

    /** The hash of a node's key, as it was when the node was linked. */
    int hash(int node) {
        return (int) ((long) ATOMIC_LONG.getAcquire(nodes, node * stride) >>> 32);
    }

    boolean isLinked(int node) {
        return (byte) BYTE.get(marks, 2L * node) == YES;
    }

    void use(int node) {
        if ((byte) BYTE.get(marks, 2L * node + 1) == NO) {
            BYTE.set(marks, 2L * node + 1, YES);
        }
    }

    /** Whether a node is linked and was not used since this was asked for the last time. */
    boolean isIdle(int node) {
        boolean used = (byte) BYTE.get(marks, 2L * node + 1) == YES;
        if (used) {
            BYTE.set(marks, 2L * node + 1, NO);
        }
        return !used && isLinked(node);
    }

    void copyKey(int node, MemorySegment to, long offset) {
        Words.copy(nodes, node * stride + KEY, to, offset, keySize);
    }

    void lock(int hash) {
        SpinLock.lock(locks, LOCK * (hash & mask));
    }

    void unlock(int hash) {
        SpinLock.unlock(locks, LOCK * (hash & mask));
    }
}
