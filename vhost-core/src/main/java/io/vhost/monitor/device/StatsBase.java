package io.vhost.monitor.device;

import io.vhost.state.QueueCounters;
import io.vhost.state.QueueCounters.Counter;
import io.vhost.state.RingViolation;
import java.util.EnumMap;
import java.util.Map;
import java.util.WeakHashMap;

/**
 * Where the counters of queues stood when they were reset: counters themselves only grow, so that whoever
 * works on a queue need not share them with anybody who writes. Threads: any.
 */
final class StatsBase {
    private record Values(Map<Counter, Long> counters, Map<RingViolation, Long> violations) {}

    /** Forgets a queue with its device. */
    private final Map<QueueCounters, Values> bases = new WeakHashMap<>();

    synchronized void reset(QueueCounters source) {
        Values values = new Values(new EnumMap<>(Counter.class), new EnumMap<>(RingViolation.class));
        for (Counter counter : Counter.values()) {
            values.counters.put(counter, source.get(counter));
        }
        for (RingViolation violation : RingViolation.values()) {
            values.violations.put(violation, source.get(violation));
        }
        bases.put(source, values);
    }

    synchronized long get(QueueCounters source, Counter counter) {
        Values base = bases.get(source);
        return source.get(counter) - (base == null ? 0 : base.counters.get(counter));
    }

    synchronized long get(QueueCounters source, RingViolation violation) {
        Values base = bases.get(source);
        return source.get(violation) - (base == null ? 0 : base.violations.get(violation));
    }
}
