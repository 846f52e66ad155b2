package io.vhost.bpf.map;

import static io.vhost.bpf.mem.Bytes.ATOMIC_LONG;
import static io.vhost.bpf.mem.Bytes.BYTE;

import java.lang.foreign.MemorySegment;

/**
 * The chains of a hash table, outside what programs can reach.
 * <pre>
 *   heads: per bucket | first node, or ~bucket: 32 | how often a node was taken out: 32 |
 *   nodes: per node   | next node, or ~bucket: 32 | hash: 32 | key, padded |
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
    /** Bytes of a bucket in {@link #heads}. */
    static final long HEAD = 8;

    private static final long LOW = 0xFFFFFFFFL;
    private static final int KEY = 8;
    private static final byte YES = 1;
    private static final byte NO = 0;
    // Only writers that never stop come near it.
    private static final int MAX_RESTARTS = 1000;

    /** Ends every chain where it begins. */
    void clear() {
        for (int bucket = 0; bucket <= mask; bucket++) {
            ATOMIC_LONG.set(heads, HEAD * bucket, ~bucket & LOW);
        }
    }

    /** The node with this key, or {@link #NONE}; without a lock. */
    int find(int hash, MemorySegment keys, long key) {
        int bucket = hash & mask;
        for (int restarts = 0; restarts < MAX_RESTARTS; restarts++) {
            long head = head(bucket);
            int node = (int) head;
            while (node >= 0) {
                long link = (long) ATOMIC_LONG.getAcquire(nodes, node * stride);
                if ((int) (link >>> 32) == hash
                        && Words.equal(nodes, node * stride + KEY, keys, key, keySize)) {
                    return node;
                }
                node = (int) link;
            }
            if (~node == bucket && head >>> Integer.SIZE == head(bucket) >>> Integer.SIZE) {
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

    /** The same under the bucket's lock. */
    int findLocked(int hash, MemorySegment keys, long key) {
        int node = (int) head(hash & mask);
        while (node >= 0) {
            long link = (long) ATOMIC_LONG.get(nodes, node * stride);
            if ((int) (link >>> 32) == hash
                    && Words.equal(nodes, node * stride + KEY, keys, key, keySize)) {
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
        long head = head(bucket);
        ATOMIC_LONG.setRelease(nodes, node * stride, (head & LOW) | (long) hash << Integer.SIZE);
        BYTE.set(marks, 2L * node + 1, NO);   // only a look-up counts, as in the kernel
        BYTE.set(marks, 2L * node, YES);
        ATOMIC_LONG.setRelease(heads, HEAD * bucket, (head & ~LOW) | node);
    }

    private long head(int bucket) {
        return (long) ATOMIC_LONG.getAcquire(heads, HEAD * bucket);
    }

    /** Takes a node out of its chain; under the bucket's lock. False if it is not there. */
    boolean unlink(int node, int hash) {
        int bucket = hash & mask;
        int next = (int) (long) ATOMIC_LONG.get(nodes, node * stride);
        long head = head(bucket);
        int at = (int) head;
        long counted = (head & ~LOW) + LOW + 1;
        if (at == node) {
            ATOMIC_LONG.setRelease(heads, HEAD * bucket, counted | (next & LOW));
        } else {
            ATOMIC_LONG.setRelease(heads, HEAD * bucket, counted | (at & LOW));
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
        SpinLock.lock(locks, 4L * (hash & mask));
    }

    void unlock(int hash) {
        SpinLock.unlock(locks, 4L * (hash & mask));
    }
}
