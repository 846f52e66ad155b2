package io.vhost.monitor.event;

import java.util.Queue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jctools.queues.atomic.MpscAtomicArrayQueue;

/**
 * Events on their way from those who see them to the monitor's thread. When that does not keep up, what is
 * new is dropped and counted: nobody waits, and what waits is bounded.
 *
 * <p>Threads: {@link #offer} is for any, and does not wait; the others are for the monitor's.
 */
public final class EventQueue {
    /** Events that may wait. */
    public static final int MOST = 1024;
    /** What they may hold of the heap, in bytes, more or less. */
    public static final int MOST_BYTES = 1 << 20;

    private final Queue<MonitorEvent> events = new MpscAtomicArrayQueue<>(MOST);
    private final AtomicInteger bytes = new AtomicInteger();
    private final AtomicLong dropped = new AtomicLong();

    /** No events yet. */
    public EventQueue() {}

    /** Adds an event, or counts it as dropped. */
    public void offer(MonitorEvent event) {
        int weight = event.weight();
        // Checked before it is added, so that no number of threads brings the sum out of its range.
        boolean fits = weight <= MOST_BYTES && bytes.get() <= MOST_BYTES - weight;
        if (fits) {
            fits = bytes.addAndGet(weight) <= MOST_BYTES && events.offer(event);
            if (!fits) {
                bytes.addAndGet(-weight);
            }
        }
        if (!fits) {
            dropped.incrementAndGet();
        }
    }

    /** The next event; null if there is none. */
    public MonitorEvent poll() {
        MonitorEvent event = events.poll();
        if (event != null) {
            bytes.addAndGet(-event.weight());
        }
        return event;
    }

    /** Whether there is nothing to tell. */
    public boolean isEmpty() {
        return events.isEmpty() && dropped.get() == 0;
    }

    /** How many were dropped since this was asked last. */
    public long takeDropped() {
        return dropped.getAndSet(0);
    }
}
