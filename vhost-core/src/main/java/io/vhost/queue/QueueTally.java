package io.vhost.queue;

import io.vhost.state.QueueCounters;
import io.vhost.state.RingViolation;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * The counters of one queue, for those who count: the holder of the queue's lock, but for {@link #addShared}.
 */
@SuppressWarnings("EnumOrdinal") // An ordinal is a place in the array of this process, stored nowhere.
public final class QueueTally implements QueueCounters {
    private static final int COUNTERS = Counter.values().length;

    private final AtomicLongArray values = new AtomicLongArray(COUNTERS + RingViolation.values().length);

    /** Nothing counted yet. */
    public QueueTally() {}

    @Override
    public long get(Counter counter) {
        return values.getOpaque(counter.ordinal());
    }

    @Override
    public long get(RingViolation violation) {
        return values.getOpaque(COUNTERS + violation.ordinal());
    }

    /** Adds to a counter; the caller holds the queue's lock. */
    public void add(Counter counter, long count) {
        add(counter.ordinal(), count);
    }

    void add(RingViolation violation) {
        add(COUNTERS + violation.ordinal(), 1);
    }

    /** Adds 1 without the lock: BUSY is counted by those who did not get it, so by several at once. */
    public void addShared(Counter counter) {
        values.getAndIncrement(counter.ordinal());
    }

    private void add(int index, long count) {
        // One writer at a time, the lock's holder: no read-modify-write instruction is needed.
        values.setOpaque(index, values.getPlain(index) + count);
    }
}
