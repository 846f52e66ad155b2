package io.vhost.metrics;

import io.vhost.device.VirtQueue;
import io.vhost.state.QueueCounters;
import io.vhost.state.QueueCounters.Counter;
import io.vhost.state.RingViolation;
import java.util.EnumMap;
import java.util.Map;

/**
 * What the queues of one index have counted together that belong to a port: those of all front-ends that are
 * or were connected. Thread: one at a time.
 */
public final class QueueReading {
    private final int index;
    private final boolean toGuest;
    private final Map<Counter, Long> counters = new EnumMap<>(Counter.class);
    private final Map<RingViolation, Long> violations = new EnumMap<>(RingViolation.class);
    private long acquired;
    private long longestHold;
    private long inFlight;
    private int waiters;

    /** Nothing is counted. */
    QueueReading(int index, boolean toGuest) {
        this.index = index;
        this.toGuest = toGuest;
    }

    /** The same figures, to be added to. */
    QueueReading copy() {
        QueueReading copy = new QueueReading(index, toGuest);
        copy.counters.putAll(counters);
        copy.violations.putAll(violations);
        copy.acquired = acquired;
        copy.longestHold = longestHold;
        return copy;
    }

    /** Adds what a queue has counted; what it has in flight is not there any more when it is gone. */
    void add(VirtQueue queue, boolean gone) {
        QueueCounters counted = queue.counters();
        // Completed first: it never exceeds what was submitted by then, nor by any later moment.
        long completed = counted.get(Counter.COMPLETED);
        long submitted = counted.get(Counter.SUBMITTED);
        for (Counter counter : Counter.values()) {
            counters.merge(counter, switch (counter) {
                case COMPLETED -> completed;
                case SUBMITTED -> submitted;
                default -> counted.get(counter);
            }, Long::sum);
        }
        for (RingViolation violation : RingViolation.values()) {
            violations.merge(violation, counted.get(violation), Long::sum);
        }
        acquired += queue.access_lock.acquired();
        longestHold = Math.max(longestHold, queue.access_lock.longestHold().toNanos());
        if (!gone) {
            inFlight += Math.max(0, submitted - completed);
            waiters += queue.access_lock.waiters();
        }
    }

    /** Index of the queue. */
    public int index() {
        return index;
    }

    /** Whether packets go to the guest; false: they come from it. */
    public boolean isToGuest() {
        return toGuest;
    }

    /** What was counted; only grows from one reading to the next. */
    public long get(Counter counter) {
        return counters.getOrDefault(counter, 0L);
    }

    /** How often guests broke this rule of the ring; only grows. */
    public long get(RingViolation violation) {
        return violations.getOrDefault(violation, 0L);
    }

    /** How often the queues' locks were taken; only grows. */
    public long lockAcquired() {
        return acquired;
    }

    /** Threads that wait for the queues' locks at this moment. */
    public int lockWaiters() {
        return waiters;
    }

    /** The longest time that one of the locks was held, in ns; 0 where that is not measured. */
    public long lockLongestHold() {
        return longestHold;
    }

    /** Packets that DMA channels have at this moment. */
    public long inFlight() {
        return inFlight;
    }
}
