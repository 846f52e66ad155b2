package io.vhost.ring;

import java.util.Arrays;

/**
 * Chains that were taken from a ring and are given back later, in any order. Which order that is, is the
 * queue's decision.
 *
 * <p>A chain is known by its {@linkplain ChainBatch#id id}. A guest must not offer one again before it has it
 * back; one that does is caught here, because a second copy into the same buffers would run beside the first.
 * Where the device writes, the buffers are kept: a page is logged as dirty when the chain is given back, and
 * only what was gathered says which. Not thread safe: used under the queue's lock.
 */
public final class ChainsInFlight {
    private static final int NONE = -1;

    /** By id: descriptors that the chain takes in the ring; 0: it is not in flight. */
    final int[] descriptors;
    /** By id. */
    final int[] written;
    /** Ids of those that are to be given back next, in that order. */
    final int[] returned;
    int returnedCount;
    private int count;

    // The writable buffers: the first by id, the others of a chain as a list through these nodes.
    private final long[] firstOffset;
    private final int[] firstLength;
    private final int[] others;
    private final int mostNodes;
    private long[] nodeOffset = {};
    private int[] nodeLength = {};
    private int[] nodeNext = {};
    private int freeNode = NONE;
    private int usedNodes;

    /**
     * Nothing in flight.
     *
     * @param size entries of the ring
     */
    public ChainsInFlight(int size) {
        descriptors = new int[size];
        written = new int[size];
        returned = new int[size];
        firstOffset = new long[size];
        firstLength = new int[size];
        others = new int[size];
        Arrays.fill(others, NONE);
        // Room for one batch at least, and for what drivers do: some twenty buffers to each chain of a ring.
        mostNodes = Math.max(2 * Math.max(size, ChainBatch.MAX_INDIRECT), 32 * size);
    }

    /** {@return chains that are in flight, those included that are to be given back; 0 to the ring's size} */
    public int count() {
        return count;
    }

    /** {@return whether no chain of a run of the batch is in flight already, nor twice in the run} */
    public boolean canTake(ChainBatch batch, int from, int to) {
        if (to - from == 1) {
            return descriptors[batch.id[from]] == 0;
        }
        boolean free = true;
        int marked = from;
        while (marked < to && free) {
            int id = batch.id[marked];
            free = descriptors[id] == 0;
            if (free) {
                descriptors[id] = 1;
                marked++;
            }
        }
        for (int i = from; i < marked; i++) {
            descriptors[batch.id[i]] = 0;
        }
        return free;
    }

    /**
     * {@return whether there is room to keep the buffers of a run of the batch} Where not, some chain has to
     * be given back first; with nothing in flight there always is for one chain.
     */
    public boolean hasRoom(ChainBatch batch, int from, int to) {
        if (batch.isPlain()) {
            return true;
        }
        int needed = 0;
        for (int i = from; i < to; i++) {
            needed += Math.max(0, batch.firstBuffer[i + 1] - batch.firstWritable(i) - 1);
        }
        return needed <= mostNodes - usedNodes;
    }

    /**
     * Takes a run of the batch's chains, with the lengths set by {@link ChainBatch#written}. Each must be
     * one that it {@linkplain #canTake can take} and {@linkplain #hasRoom has room} for.
     */
    public void take(ChainBatch batch, int from, int to) {
        for (int i = from; i < to; i++) {
            int id = batch.id[i];
            descriptors[id] = batch.descriptors[i];
            written[id] = batch.written[i];
            int buffer = batch.firstWritable(i);
            int end = batch.firstBuffer[i + 1];
            if (buffer < end) {
                firstOffset[id] = batch.bufferOffset[buffer];
                firstLength[id] = batch.bufferLength[buffer];
                if (buffer + 1 < end) {
                    keepOthers(batch, id, buffer + 1, end);
                }
            } else {
                firstLength[id] = 0;
            }
        }
        count += to - from;
    }

    private void keepOthers(ChainBatch batch, int id, int first, int end) {
        int next = NONE;
        for (int buffer = end - 1; buffer >= first; buffer--) {
            int node = allocate();
            nodeOffset[node] = batch.bufferOffset[buffer];
            nodeLength[node] = batch.bufferLength[buffer];
            nodeNext[node] = next;
            next = node;
        }
        others[id] = next;
    }

    private int allocate() {
        if (freeNode == NONE) {
            grow();
        }
        int node = freeNode;
        freeNode = nodeNext[node];
        usedNodes++;
        return node;
    }

    /** Doubles the number of nodes, which happens a few times in the life of a queue if at all. */
    private void grow() {
        int before = nodeNext.length;
        int after = Math.min(mostNodes, Math.max(64, 2 * before));
        nodeOffset = Arrays.copyOf(nodeOffset, after);
        nodeLength = Arrays.copyOf(nodeLength, after);
        nodeNext = Arrays.copyOf(nodeNext, after);
        for (int node = before; node < after; node++) {
            nodeNext[node] = freeNode;
            freeNode = node;
        }
    }

    /**
     * Says that a chain is to be given back next, after those that this was said of before.
     *
     * @param id the chain's, which is in flight
     */
    public void giveBack(int id) {
        returned[returnedCount++] = id;
    }

    /**
     * The same for a chain in which nothing arrived.
     *
     * @param id the chain's, which is in flight
     */
    public void giveBackEmpty(int id) {
        written[id] = 0;
        returned[returnedCount++] = id;
    }

    /**
     * Forgets the chains that were to be given back: they have been, or there is no ring any more that takes
     * them.
     */
    public void forgetReturned() {
        for (int i = 0; i < returnedCount; i++) {
            int id = returned[i];
            descriptors[id] = 0;
            int node = others[id];
            others[id] = NONE;
            while (node != NONE) {
                int next = nodeNext[node];
                nodeNext[node] = freeNode;
                freeNode = node;
                usedNodes--;
                node = next;
            }
        }
        count -= returnedCount;
        returnedCount = 0;
    }

    /** Marks what was written into the chains that are to be given back. */
    void logTo(WriteLog writeLog) {
        for (int i = 0; i < returnedCount; i++) {
            int id = returned[i];
            long rest = Integer.toUnsignedLong(written[id]);
            if (rest > 0) {
                writeLog.area(firstOffset[id], Math.min(rest, firstLength[id]));
                rest -= firstLength[id];
            }
            for (int node = others[id]; node != NONE && rest > 0; node = nodeNext[node]) {
                writeLog.area(nodeOffset[node], Math.min(rest, nodeLength[node]));
                rest -= nodeLength[node];
            }
        }
    }
}
