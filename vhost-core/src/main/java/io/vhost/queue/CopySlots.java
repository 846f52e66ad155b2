package io.vhost.queue;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.vhost.dma.channel.CopyChannel;
import io.vhost.dma.channel.CopyListener;
import io.vhost.memory.NativeCopy;
import io.vhost.ring.ChainBatch;
import io.vhost.ring.ChainsInFlight;
import io.vhost.ring.DeviceRing;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Set;

/**
 * The items of one queue whose copies are under way, packets or requests: slots in the order of submission.
 *
 * <p>A slot goes through three hands. It is <em>opened</em> when an item's copies are submitted;
 * <em>closed</em>, in order, when they are all done, which is when the guest gets its chains back; and
 * <em>emptied</em> when the application gets the item back. Channels complete in any order, so slots are
 * closed from the oldest on and no further than the first whose copies are not done: the guest sees used
 * elements in the order of submission, which VIRTIO_F_IN_ORDER asks for and migration relies on.
 *
 * <p>Everything is used under the queue's lock except {@link #copyDone}, which comes under the lock of the
 * channel that made the copies: one channel per item, so a slot's count of copies has one writer. Memory
 * order: the count of a slot is stored with release after each of its copies and loaded with acquire, so
 * whoever sees 0 sees the bytes.
 *
 * @param <T> what is submitted
 */
public final class CopySlots<T> implements CopyListener {
    private static final VarHandle COPIES =
            MethodHandles.arrayElementVarHandle(int[].class).withInvokeExactBehavior();

    private final int threshold;
    private final int mask;
    /** Most items in flight. */
    private final int limit;
    private final Object[] item;
    private final CopyChannel[] channel;
    private final int[] chains;
    /** Copies of a slot that are not done. */
    private final int[] copies;
    private final boolean[] failed;
    private final long[] openedAt;
    private final SlotChains chainsInFlight;

    // Free-running: emptied <= closed <= opened, and opened - emptied <= slots.
    private int opened;
    private int closed;
    private int emptied;
    private boolean truncated;
    private boolean engineFailed;
    /** Set by whoever drains or replaces a channel. */
    private volatile boolean evicted;
    // A run of items given back that the same channel copied, which it has not been told of.
    private CopyChannel leaving;
    private int left;

    /**
     * Slots for a ring of {@code size} entries; an item needs at least one, so no more can be in flight.
     * Copies of fewer than {@code threshold} bytes are made at once.
     */
    CopySlots(int size, int threshold) {
        this(slots(size), size, threshold);
    }

    /** The same, with all copies left to channels. */
    CopySlots(int size) {
        this(size, 0);
    }

    private static int slots(int items) {
        return Integer.highestOneBit(Math.max(1, items * 2 - 1));
    }

    private CopySlots(int size, int limit, int threshold) {
        this.threshold = threshold;
        mask = size - 1;
        this.limit = limit;
        item = new Object[size];
        channel = new CopyChannel[size];
        chains = new int[size];
        copies = new int[size];
        failed = new boolean[size];
        openedAt = new long[size];
        chainsInFlight = new SlotChains(limit, size);
    }

    /** Entries of the ring that these slots are for. */
    int ringSize() {
        return limit;
    }

    /** Items submitted since the beginning, as a free-running number. */
    public int opened() {
        return opened;
    }

    /** Items that the application has not got back. */
    public int inFlight() {
        return opened - emptied;
    }

    /** Items whose copies are not all done. */
    public int copying() {
        return opened - closed;
    }

    /** Items that can be submitted before others have come back. */
    public int freeSlots() {
        return Math.max(0, limit - inFlight());
    }

    /** The chains of the slots that are not closed. */
    public ChainsInFlight chains() {
        return chainsInFlight.inFlight();
    }

    /**
     * Opens a slot for an item whose copies will be submitted next, all to {@code by}, which must be told
     * with {@link CopyChannel#retain}.
     *
     * @param number how many copies; 0 when there is nothing to copy, which is done at once
     * @return the slot, for {@link #copyDone}
     */
    public int open(T newItem, int number, CopyChannel by, long now) {
        int slot = opened & mask;
        put(slot, newItem, number, by, now);
        chains[slot] = 0;
        opened++;
        return slot;
    }

    private void put(int slot, T newItem, int number, CopyChannel by, long now) {
        item[slot] = newItem;
        // A reference that is stored costs more than one that is compared, and it hardly ever changes.
        if (channel[slot] != by) {
            channel[slot] = by;
        }
        copies[slot] = number;
        failed[slot] = false;
        openedAt[slot] = now;
    }

    /**
     * Opens slots for items with one copy and one chain each, and takes the chains: the common case.
     *
     * @return the slot of the first; the others follow, see {@link #after}
     */
    public int openPlain(T[] items, int offset, ChainBatch batch, int count, CopyChannel by, long now) {
        int begin = opened;
        for (int i = 0; i < count; i++) {
            int slot = (begin + i) & mask;
            put(slot, items[offset + i], 1, by, now);
            chains[slot] = 1;
        }
        chainsInFlight.take(batch, 0, count);
        opened = begin + count;
        return begin & mask;
    }

    /** The slot after this one. */
    public int after(int slot) {
        return (slot + 1) & mask;
    }

    /** An item that will not be delivered. */
    public void undeliverable(int slot) {
        failed[slot] = true;
    }

    /** None of the items will be delivered that were opened since there were {@code before}. */
    public void undeliverableSince(int before) {
        for (int i = before; i != opened; i++) {
            failed[i & mask] = true;
        }
    }

    /** A burst ended early because its channel was full. */
    public void truncated() {
        truncated = true;
    }

    /** Whether one has since this was asked last. */
    public boolean takeTruncated() {
        boolean was = truncated;
        truncated = false;
        return was;
    }

    /** Takes a run of chains for the slot that was opened last. */
    public void take(int slot, ChainBatch batch, int from, int to) {
        chains[slot] += to - from;
        chainsInFlight.take(batch, from, to);
    }

    /**
     * Makes one of a slot's copies, by a channel or at once. The slot is told of it, also when this ends with
     * an error.
     *
     * @param by the slot's channel
     * @param atOnce whether not to leave it to the channel, as short copies are not anyway
     */
    @GuardedBy("by.lock")
    public void copy(
            CopyChannel by, boolean atOnce, MemorySegment source, long sourceOffset,
            MemorySegment target, long targetOffset, int length, int slot) {
        if (length >= threshold && !atOnce) {
            by.copy(source, sourceOffset, target, targetOffset, length, this, slot);
            return;
        }
        boolean made = false;
        try {
            NativeCopy.copy(source, sourceOffset, target, targetOffset, length);
            made = true;
        } finally {
            copyDone(slot, !made);
        }
    }

    /**
     * Declares copies of a slot failed that will never be made.
     *
     * @param slot the slot
     * @param count how many
     */
    public void cancel(int slot, int count) {
        for (int i = 0; i < count; i++) {
            copyDone(slot, true);
        }
    }

    @Override
    public void copyDone(int slot, boolean copyFailed) {
        if (copyFailed) {
            failed[slot] = true;
        }
        // Orders the item's bytes, made visible by the channel, and the failure before the count.
        COPIES.setRelease(copies, slot, copies[slot] - 1);
    }

    @Override
    public void evicted() {
        evicted = true;
    }

    /** Whether copies have failed because they held a channel up, since {@link #takeEngineFailed}. */
    public boolean isEvicted() {
        return evicted;
    }

    /**
     * Closes the slots that are done, from the oldest on, and gives their chains back.
     *
     * @param ring where the chains belong; null when it is gone, and then nothing is delivered
     */
    void close(DeviceRing ring) {
        int end = closed;
        while (end != opened && (int) COPIES.getAcquire(copies, end & mask) == 0) {
            int slot = end & mask;
            failed[slot] |= ring == null;
            if (failed[slot]) {
                engineFailed |= channel[slot].failure() != null;
            }
            chainsInFlight.giveBack(chains[slot], failed[slot]);
            end++;
        }
        if (end != closed) {
            publish(ring, end);
        }
    }

    private void publish(DeviceRing ring, int end) {
        int begin = closed;
        closed = end;
        boolean complete = false;
        try {
            if (ring != null) {
                ring.publish(chainsInFlight.inFlight());
            }
            complete = true;
        } finally {
            chainsInFlight.inFlight().forgetReturned();
            for (int i = begin; !complete && i != end; i++) {
                // Memory has gone, and the guest with it.
                failed[i & mask] = true;
            }
        }
    }

    /** The number of the oldest item whose copies are not done, those aside that these channels make. */
    int awaited(Set<CopyChannel> aside) {
        int i = closed;
        while (i != opened
                && ((int) COPIES.getAcquire(copies, i & mask) == 0 || aside.contains(channel[i & mask]))) {
            i++;
        }
        return i;
    }

    /** What makes the copies of an item that is not closed. */
    CopyChannel channelOf(int number) {
        return channel[number & mask];
    }

    /** Declares the copies that a channel should make done and failed. Nobody may be at them any more. */
    void giveUp(CopyChannel by) {
        for (int i = closed; i != opened; i++) {
            int slot = i & mask;
            if (channel[slot].equals(by)) {
                failed[slot] |= copies[slot] != 0;
                COPIES.setRelease(copies, slot, 0);
            }
        }
    }

    /**
     * The ring goes while copies are under way that nobody can end: their items, and those behind them, are
     * not delivered, and keep the application waiting until the copies have ended. Their chains are not given
     * back: a ring that comes back takes them again.
     */
    void leaveRing() {
        for (int i = closed; i != opened; i++) {
            int slot = i & mask;
            failed[slot] = true;
            chains[slot] = 0;
        }
        chainsInFlight.forget();
    }

    /** Whether an item was closed whose channel has failed, or copies held theirs up, since asked last. */
    public boolean takeEngineFailed() {
        boolean was = engineFailed;
        engineFailed = false;
        if (evicted) {
            evicted = false;
            was = true;
        }
        return was;
    }

    /** Whether an item can be given back. */
    public boolean hasClosed() {
        return emptied != closed;
    }

    /** The slot of the oldest item that can be given back. */
    public int oldest() {
        return emptied & mask;
    }

    /** Whether the item of a closed slot did not arrive. */
    public boolean isUndelivered(int slot) {
        return failed[slot];
    }

    /** Gives the oldest item back; {@link #settle} after the last one. */
    @SuppressWarnings("unchecked") // What open() put there.
    public T empty() {
        int slot = emptied++ & mask;
        CopyChannel by = channel[slot];
        if (by != leaving) {
            settle();
            leaving = by;
        }
        left++;
        T back = (T) item[slot];
        item[slot] = null;
        return back;
    }

    /** Tells channels of the items that were given back. */
    public void settle() {
        if (left > 0) {
            leaving.release(left);
            left = 0;
            leaving = null;
        }
    }

    /** Age in ns of the oldest item whose copies have not ended; 0 if there is none. */
    long oldestAge(long now) {
        return closed == opened ? 0 : now - openedAt[closed & mask];
    }

    /** The same items to be given back in slots for a ring of another size. Nothing may be under way. */
    @SuppressWarnings("unchecked") // As in empty().
    CopySlots<T> resized(int size) {
        int slots = slots(Math.max(size, inFlight()));
        CopySlots<T> other = new CopySlots<>(slots, size, threshold);
        for (; emptied != closed; emptied++) {
            int from = oldest();
            int to = other.open((T) item[from], 0, channel[from], openedAt[from]);
            other.failed[to] = failed[from];
        }
        other.closed = other.opened;
        return other;
    }
}
