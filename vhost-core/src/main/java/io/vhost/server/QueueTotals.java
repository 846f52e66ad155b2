package io.vhost.server;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.vhost.device.VhostDevice;
import io.vhost.state.QueueCounters.Counter;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What the queues of a socket's devices have counted, those of front-ends that are gone included. Any thread.
 */
final class QueueTotals {
    @GuardedBy("this")
    private final Set<VhostDevice> present = new HashSet<>();
    /** By queue. */
    @GuardedBy("this")
    private final List<Map<Counter, Long>> gone = new ArrayList<>();

    /** Totals of devices with so many queues. */
    QueueTotals(int queues) {
        for (int i = 0; i < queues; i++) {
            gone.add(new EnumMap<>(Counter.class));
        }
    }

    synchronized void begin(VhostDevice device) {
        present.add(device);
    }

    /** Nothing is counted any more by a device. */
    synchronized void end(VhostDevice device) {
        if (!present.remove(device)) {
            return;
        }
        for (int queue = 0; queue < gone.size(); queue++) {
            for (Counter counter : Counter.values()) {
                gone.get(queue).merge(counter, device.queue(queue).counters().get(counter), Long::sum);
            }
        }
    }

    synchronized long get(int queue, Counter counter) {
        if (queue < 0 || queue >= gone.size()) {
            throw new IndexOutOfBoundsException(("no device here has a queue %d, but 0 to %d:"
                    + " VhostConfig.queuePairs says how many pairs there are")
                    .formatted(queue, gone.size() - 1));
        }
        long sum = gone.get(queue).getOrDefault(counter, 0L);
        for (VhostDevice device : present) {
            sum += device.queue(queue).counters().get(counter);
        }
        return sum;
    }
}
