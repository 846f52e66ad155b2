package io.vhost.queue;

import io.vhost.dma.channel.CopyChannel;
import io.vhost.dma.channel.CopyListener;
import io.vhost.memory.GuestMemory;
import io.vhost.ring.DeviceRing;
import io.vhost.state.QueueCounters.Counter;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;

/**
 * The copies under way of a queue that is registered for asynchronous copies: finds out what is done, gives
 * chains back to the guest, and waits for copies when the ring goes. Used under the queue's lock.
 *
 * @param <T> what is submitted
 */
public final class CopyTracker<T> {
    private static final long WAIT_NANOS = 20_000;
    /** Engines that a ring that stops waits for. */
    private static final int ROUNDS = 4;

    private final String queue;
    private final QueueTally counters;
    private final QueueEvents events;
    private final CopyLimits limits;
    private final LongSupplier clock;
    private final long stall;
    private final long timeout;
    private final CopyBlame blame = new CopyBlame();
    private CopySlots<T> slots;
    /** The item that was reported last because its copies take long. */
    private int stallReported = -1;
    private int ringSize;
    /** Copies of a ring that has gone have not ended. */
    private boolean left;

    /**
     * Nothing in flight yet.
     *
     * @param queue its name, for messages
     * @param counters of the queue
     * @param events of the queue
     * @param limits how copies are treated
     * @param ring what the copies belong to
     */
    public CopyTracker(
            String queue, QueueTally counters, QueueEvents events, CopyLimits limits, DeviceRing ring) {
        this(queue, counters, events, limits, ring.size(), System::nanoTime);
    }

    /** The same for a ring of so many entries, with another clock. */
    CopyTracker(String queue, QueueTally counters, QueueEvents events, CopyLimits limits, int size,
            LongSupplier clock) {
        this.queue = queue;
        this.counters = counters;
        this.events = events;
        this.limits = limits;
        this.clock = clock;
        this.stall = limits.stall().toNanos();
        this.timeout = limits.timeout().toNanos();
        this.ringSize = size;
        this.slots = new CopySlots<>(ringSize, limits.threshold());
    }

    /** What is under way; another object after the ring changed its size. */
    public CopySlots<T> slots() {
        return slots;
    }

    /** Items that the library has. */
    public int inFlight() {
        return slots.inFlight();
    }

    /** The channel that the oldest copy under way was left to; null: all have ended. */
    public CopyChannel awaited() {
        return slots.copying() == 0 ? null : slots.channelOf(oldest());
    }

    /** For snapshots. */
    public CopyStatus status() {
        return new CopyStatus(true, slots.inFlight(), slots.oldestAge(clock.getAsLong()),
                slots.copying() == 0 ? "" : awaited().name());
    }

    /**
     * The ring has come back, perhaps with another size; items of its predecessor wait to be given back.
     */
    public void opened(DeviceRing ring) {
        ringSize = ring.size();
        resize();
    }

    private void resize() {
        if (!left && slots.ringSize() != ringSize) {
            slots = slots.resized(ringSize);
            stallReported = -1;
        }
    }

    /**
     * Whether copies of a ring that has gone have not ended, although a ring may be there again. As long
     * nothing can be submitted: a late copy could meet the same buffers.
     */
    public boolean hasLeft() {
        return left;
    }

    /**
     * Tells the channel's owners what is done, and gives chains back. A channel that can go on with another
     * engine does so when a copy here has been under way for the configured time, and for as long has been
     * asked for again and again.
     *
     * @param channel which to ask
     * @param ring where the chains belong; null when it is gone
     */
    public void harvest(CopyChannel channel, DeviceRing ring) {
        channel.drain();
        slots.close(ring);
        if (left) {
            left = slots.copying() > 0;
            resize();
        } else if (!slots.hasClosed() && slots.copying() > 0) {
            long now = clock.getAsLong();
            reportStall(now);
            if (slots.oldestAge(now) > timeout / 2) {
                watch(ring, now);
            }
        }
    }

    private void reportStall(long now) {
        long age = slots.oldestAge(now);
        if (age > stall && stallReported != oldest()) {
            stallReported = oldest();
            counters.add(Counter.COPY_STALLS, 1);
            events.copyStalled(age, slots.copying());
        }
    }

    /** The oldest item that is not closed, by its number. */
    private int oldest() {
        return slots.opened() - slots.copying();
    }

    private void watch(DeviceRing ring, long now) {
        CopyChannel awaited = slots.channelOf(oldest());
        if (!awaited.isReplaceable() || awaited.isLate(slots)) {
            return;
        }
        if (blame.watches(oldest(), now)) {
            long watched = Math.min(blame.watchedFor(now), slots.oldestAge(now));
            blame.observe(awaited.served());
            if (Math.min(watched, awaited.engineAge(now)) > timeout) {
                expire(awaited, blame.verdict());
                slots.close(ring);
            }
        }
    }

    private void expire(CopyChannel awaited, CopyListener blamed) {
        awaited.expire(blamed, timeout, new TimeoutException(
                "%s: copies of %d packets did not complete within %s"
                        .formatted(queue, slots.copying(), limits.timeout())));
        blame.forget();
    }

    /**
     * Waits until no copy touches the ring's memory any more, and gives the chains back to the guest. A
     * channel that takes longer than the configured time is given up: one with a single engine has failed;
     * another goes on with a new engine, which has that time anew, as the other channels have that are waited
     * for. What then is still being made is left: its chains are not given back, its items are withheld until
     * it has ended, and the guest's memory is kept mapped as long.
     *
     * @param ring where the chains belong; null when it is gone
     * @param memory where the copies' guest memory is
     */
    public void finish(DeviceRing ring, GuestMemory memory) {
        slots.close(ring);
        if (left) {
            return;
        }
        blame.forget();
        Set<CopyChannel> late = new HashSet<>();
        long since = clock.getAsLong();
        int expired = 0;
        int item = slots.awaited(late);
        while (item != slots.opened()) {
            CopyChannel awaited = slots.channelOf(item);
            awaited.drain();
            slots.close(ring);
            int before = item;
            item = slots.awaited(late);
            if (item == before) {
                if (!isOverdue(awaited, since)) {
                    LockSupport.parkNanos(WAIT_NANOS);
                } else {
                    boolean leaves = awaited.leave(slots, memory);
                    if (!leaves) {
                        // Whoever holds others up again and again is not always found in time.
                        expire(awaited, ++expired < ROUNDS ? blame.verdict() : slots);
                        leaves = awaited.leave(slots, memory);
                    }
                    if (leaves) {
                        late.add(awaited);
                    } else if (!awaited.holds(slots)) {
                        slots.giveUp(awaited);
                    }
                    slots.close(ring);
                    since = clock.getAsLong();
                    item = slots.awaited(late);
                }
            }
        }
        // Whatever has been done since the last look.
        slots.close(ring);
        if (!late.isEmpty()) {
            slots.leaveRing();
            left = true;
        }
    }

    private boolean isOverdue(CopyChannel awaited, long since) {
        long now = clock.getAsLong();
        long waited = now - since;
        if (waited > timeout) {
            return awaited.isLate(slots) || !awaited.isReplaceable() || awaited.engineAge(now) > timeout;
        }
        if (waited > timeout / 2) {
            blame.observe(awaited.served());
        }
        return false;
    }
}
