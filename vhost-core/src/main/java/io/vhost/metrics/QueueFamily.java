package io.vhost.metrics;

import io.vhost.state.QueueCounters.Counter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Counters of queues that are one metric: alone, or told apart by a label.
 *
 * @param name of the metric, without {@code _total}
 * @param help what it is
 * @param label what tells its counters apart; empty where there is one
 * @param counters by the label's value
 */
record QueueFamily(String name, String help, String label, Map<String, Counter> counters) {
    /** Every counter is in one of them. */
    static final List<QueueFamily> ALL = List.of(
            one("packets", "Packets moved between application and guest.", Counter.PACKETS),
            one("bytes", "Bytes of those packets, without virtio-net headers.", Counter.BYTES),
            several("dropped_packets", "Packets that a queue could not pass on.", "reason",
                    Counter.OVERSIZE, Counter.NO_ROOM, Counter.BAD_OFFLOAD, Counter.COPY_FAILED),
            several("short_bursts", "Bursts that moved less than they could, or nothing.", "reason",
                    Counter.POOL_EMPTY, Counter.WORK_LIMITED, Counter.TRUNCATED),
            several("interrupts", "Bursts after which the guest was to be interrupted or not.", "outcome",
                    Counter.INTERRUPTS, Counter.INTERRUPTS_SUPPRESSED, Counter.INTERRUPTS_FAILED),
            one("software_checksums", "Packets whose checksum was completed in software.",
                    Counter.SOFTWARE_CHECKSUM),
            one("async_submitted_packets", "Packets accepted for asynchronous copies.", Counter.SUBMITTED),
            one("async_completed_packets", "Packets whose asynchronous copies have ended.",
                    Counter.COMPLETED),
            one("async_stalled_packets", "Packets whose copies took longer than the threshold.",
                    Counter.COPY_STALLS),
            one("lock_waits", "Bursts that did nothing because another thread held the queue's lock.",
                    Counter.BUSY),
            one("lock_misuses", "Calls of a ThreadUnsafe method without the lock.", Counter.LOCK_MISUSE),
            one("lock_reentries", "Calls of a safe method by a thread that held the lock already.",
                    Counter.REENTRANT_CALLS));

    private static final String PREFIX = "vhost_queue_";

    private static QueueFamily one(String name, String help, Counter counter) {
        return new QueueFamily(PREFIX + name, help, "", Map.of("", counter));
    }

    private static QueueFamily several(String name, String help, String label, Counter... counters) {
        Map<String, Counter> named = new LinkedHashMap<>();
        for (Counter counter : counters) {
            named.put(value(counter), counter);
        }
        return new QueueFamily(PREFIX + name, help, label, named);
    }

    private static String value(Counter counter) {
        return switch (counter) {
            case INTERRUPTS -> "sent";
            case INTERRUPTS_SUPPRESSED -> "suppressed";
            case INTERRUPTS_FAILED -> "failed";
            case TRUNCATED -> "dma_full";
            default -> counter.name().toLowerCase(Locale.ROOT);
        };
    }
}
