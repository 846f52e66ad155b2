package io.vhost.queue;

import io.vhost.dma.DmaChannel;
import io.vhost.queue.QueueCounters.Counter;
import io.vhost.ring.DeviceRing;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;

/**
 * The copies under way of a queue that is registered for asynchronous copies: finds out what is done, gives
 * chains back to the guest, and waits for copies when the ring goes. Used under the queue's lock.
 *
 * @param <T> what is submitted
 */
public final class CopyTracker<T> {
    private static final long WAIT_NANOS = 20_000;

    private final String queue;
    private final QueueCounters counters;
    private final QueueEvents events;
    private final CopyLimits limits;
    private CopySlots<T> slots;

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
            String queue, QueueCounters counters, QueueEvents events, CopyLimits limits, DeviceRing ring) {
        this.queue = queue;
        this.counters = counters;
        this.events = events;
        this.limits = limits;
        this.slots = new CopySlots<>(ring.size(), limits.threshold());
    }

    /** What is under way; another object after the ring changed its size. */
    public CopySlots<T> slots() {
        return slots;
    }

    /** Items that the library has. */
    public int inFlight() {
        return slots.inFlight();
    }

    /** For snapshots. */
    public CopyStatus status() {
        return new CopyStatus(true, slots.inFlight(), slots.oldestAge(System.nanoTime()),
                slots.copying() == 0 ? "" : slots.awaited().name());
    }

    /**
     * The ring has come back, perhaps with another size; items of its predecessor wait to be given back.
     */
    public void opened(DeviceRing ring) {
        if (slots.ringSize() != ring.size()) {
            slots = slots.resized(ring.size());
        }
    }

    /**
     * Tells the channel's owners what is done, and gives chains back.
     *
     * @param channel which to ask
     * @param ring where the chains belong; null when it is gone
     */
    public void harvest(DmaChannel channel, DeviceRing ring) {
        channel.drain();
        slots.close(ring);
        if (!slots.hasClosed()) {
            reportStall();
        }
    }

    private void reportStall() {
        if (slots.copying() == 0) {
            return;
        }
        long age = slots.stalledFor(System.nanoTime());
        if (age > limits.stall().toNanos()) {
            slots.stallReported();
            counters.add(Counter.COPY_STALLS, 1);
            events.copyStalled(age, slots.copying());
        }
    }

    /**
     * Waits until no copy touches the ring's memory any more, and gives the chains back to the guest. A
     * channel that takes longer than the configured time is abandoned: its engine is closed and its copies
     * have failed.
     *
     * @param ring where the chains belong; null when it is gone
     */
    public void finish(DeviceRing ring) {
        long deadline = System.nanoTime() + limits.timeout().toNanos();
        slots.close(ring);
        while (slots.copying() > 0) {
            int before = slots.copying();
            DmaChannel awaited = slots.awaited();
            awaited.drain();
            slots.close(ring);
            if (slots.copying() == before) {
                if (System.nanoTime() - deadline > 0) {
                    abandon(awaited, ring);
                } else {
                    LockSupport.parkNanos(WAIT_NANOS);
                }
            }
        }
    }

    private void abandon(DmaChannel late, DeviceRing ring) {
        int before = slots.copying();
        late.abandon(new TimeoutException("%s: copies of %d packets did not complete within %s"
                .formatted(queue, before, limits.timeout())));
        slots.close(ring);
        if (slots.copying() == before) {
            // The channel knows nothing of these copies, so nobody makes them.
            slots.giveUp();
        }
    }
}
