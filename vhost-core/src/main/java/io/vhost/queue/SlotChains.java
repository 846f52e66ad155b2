package io.vhost.queue;

import io.vhost.ring.ChainBatch;
import io.vhost.ring.ChainsInFlight;

/** Chains of the slots that are not closed, the oldest first: they are given back in that order. */
final class SlotChains {
    private final ChainsInFlight inFlight;
    private final int[] ids;
    private final int mask;
    // Free-running.
    private int first;
    private int end;

    /** For a ring of {@code size} entries and {@code slots} slots, a power of two. */
    SlotChains(int size, int slots) {
        inFlight = new ChainsInFlight(size);
        ids = new int[slots];
        mask = slots - 1;
    }

    ChainsInFlight inFlight() {
        return inFlight;
    }

    void take(ChainBatch batch, int from, int to) {
        inFlight.take(batch, from, to);
        int next = end - from;
        for (int i = from; i < to; i++) {
            ids[(next + i) & mask] = batch.id(i);
        }
        end += to - from;
    }

    void giveBack(int count, boolean empty) {
        for (int i = 0; i < count; i++) {
            int id = ids[first++ & mask];
            if (empty) {
                inFlight.giveBackEmpty(id);
            } else {
                inFlight.giveBack(id);
            }
        }
    }

    /** None is in flight any more, and none was given back. */
    void forget() {
        giveBack(end - first, true);
        inFlight.forgetReturned();
    }
}
