package io.vhost.ring;

import java.lang.foreign.MemorySegment;

/**
 * Chains that were taken from a ring and are given back later, in the order in which they were taken.
 *
 * <p>A guest must not offer a chain again before it has it back; one that does is caught here, because a
 * second copy into the same buffers would run beside the first. Not thread safe: used under the queue's lock.
 */
public final class ChainsInFlight {
    private final int[] head;
    private final int[] written;
    private final boolean[] taken;
    private final int mask;
    private int first;
    private int count;

    /**
     * Nothing in flight.
     *
     * @param size entries of the ring, a power of two
     */
    public ChainsInFlight(int size) {
        head = new int[size];
        written = new int[size];
        taken = new boolean[size];
        mask = size - 1;
    }

    /** {@return chains that are in flight, 0 to the ring's size} */
    public int count() {
        return count;
    }

    /** {@return whether no chain of a run of the batch is in flight already, nor twice in the run} */
    public boolean canTake(ChainBatch batch, int from, int to) {
        if (to - from == 1) {
            return !taken[batch.head[from]];
        }
        boolean free = true;
        int marked = from;
        while (marked < to && free) {
            free = !taken[batch.head[marked]];
            if (free) {
                taken[batch.head[marked++]] = true;
            }
        }
        for (int i = from; i < marked; i++) {
            taken[batch.head[i]] = false;
        }
        return free;
    }

    /** {@return the head of a chain of the batch, for messages} */
    public int head(ChainBatch batch, int chain) {
        return batch.head[chain];
    }

    /** Takes a run of the batch's chains, with the lengths set by {@link ChainBatch#written}. */
    public void take(ChainBatch batch, int from, int to) {
        int[] heads = batch.head;
        int[] lengths = batch.written;
        int next = first + count - from;
        for (int i = from; i < to; i++) {
            int place = (next + i) & mask;
            head[place] = heads[i];
            written[place] = lengths[i];
            taken[heads[i]] = true;
        }
        count += to - from;
    }

    /** Says that nothing arrived in some chains: {@code number} from the {@code from}th oldest on. */
    public void nothingWritten(int from, int number) {
        for (int i = from; i < from + number; i++) {
            written[(first + i) & mask] = 0;
        }
    }

    /** Forgets the oldest chains: they were given back, or there is no ring any more to give them back to. */
    public void forget(int number) {
        int[] heads = head;
        boolean[] marks = taken;
        int oldest = first;
        for (int i = 0; i < number; i++) {
            marks[heads[(oldest + i) & mask]] = false;
        }
        first = (first + number) & mask;
        count -= number;
    }

    /** Writes the oldest chains into used elements from {@code next} on. */
    void writeTo(MemorySegment memory, long used, int ringMask, int next, int number) {
        int[] heads = head;
        int[] lengths = written;
        int oldest = first;
        for (int i = 0; i < number; i++) {
            int place = (oldest + i) & mask;
            SplitLayout.usedElement(memory, used, (next + i) & ringMask, heads[place], lengths[place]);
        }
    }

    int headAt(int position) {
        return head[(first + position) & mask];
    }

    int writtenAt(int position) {
        return written[(first + position) & mask];
    }
}
