package io.vhost.app.top;

import io.vhost.monitor.MonitorClient;
import io.vhost.monitor.command.CommandException;
import io.vhost.monitor.json.Json;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The counters of all queues at one moment.
 *
 * @param nanos when
 * @param queues counters by name, by the queue's name
 * @param programs those that look at the queues' packets
 * @param ports those of a switch
 */
record TopTable(long nanos, Map<String, Map<String, Long>> queues, TopPrograms programs, TopPorts ports) {
    private static final String NAME = "queue";

    private static final double SECOND = 1e9;
    private static final int BITS = 8;
    private static final List<String> DROPS = List.of("oversize", "no_room", "bad_offload", "copy_failed");

    /** Without programs and ports. */
    TopTable(long nanos, Map<String, Map<String, Long>> queues) {
        this(nanos, queues, TopPrograms.NONE, TopPorts.NONE);
    }

    /** Asks a monitor. */
    static TopTable ask(MonitorClient monitor) throws IOException, CommandException {
        Map<String, Map<String, Long>> queues = new LinkedHashMap<>();
        for (Object queue : (List<?>) monitor.call("query-stats", Map.of("target", "vring"))) {
            Map<String, Long> counters = new LinkedHashMap<>();
            for (Object stat : (List<?>) ((Map<?, ?>) queue).get("stats")) {
                Map<?, ?> entry = (Map<?, ?>) stat;
                counters.put((String) entry.get("name"), ((Number) entry.get("value")).longValue());
            }
            queues.put((String) ((Map<?, ?>) queue).get("qom-path"), counters);
        }
        return new TopTable(System.nanoTime(), queues, TopPrograms.ask(monitor), TopPorts.ask(monitor));
    }

    /** What the columns of {@link #since} hold; with names of usual length a line has 80 characters. */
    String title() {
        return padded(NAME)
                + " %10s %8s %9s %8s %9s".formatted("packets/s", "Gbit/s", "in flight", "drops", "lock busy");
    }

    /** One line for each queue: rates since an earlier moment, and totals; below them ports and programs. */
    List<String> since(TopTable before) {
        double seconds = Math.max(1, nanos - before.nanos) / SECOND;
        List<String> lines = new ArrayList<>();
        queues.forEach((name, now) -> {
            Map<String, Long> old = before.queues.getOrDefault(name, Map.of());
            lines.add(padded(name) + " %10.0f %8.3f %9d %8d %9d".formatted(
                    grown(now, old, "good_packets") / seconds,
                    grown(now, old, "good_bytes") * BITS / seconds / SECOND,
                    value(now, "inflight"),
                    drops(now),
                    value(now, "busy")));
        });
        if (lines.isEmpty()) {
            lines.add("(no devices are connected)");
        }
        lines.addAll(ports.since(before.ports, seconds));
        lines.addAll(programs.since(before.programs, seconds));
        return lines;
    }

    /** The same for programs, as one JSON object, and all counters beside. */
    String json(TopTable before) {
        double seconds = Math.max(1, nanos - before.nanos) / SECOND;
        List<Map<String, Object>> lines = new ArrayList<>();
        queues.forEach((name, now) -> {
            Map<String, Long> old = before.queues.getOrDefault(name, Map.of());
            lines.add(Json.object(NAME, name,
                    "packets-per-second", grown(now, old, "good_packets") / seconds,
                    "bits-per-second", grown(now, old, "good_bytes") * BITS / seconds,
                    "in-flight", value(now, "inflight"),
                    "drops", drops(now),
                    "lock-busy", value(now, "busy"),
                    "counters", now));
        });
        return Json.write(Json.object("time", Instant.now().toString(), "seconds", seconds,
                "queues", lines, "programs", programs.programs(), "ports", ports.ports()));
    }

    private static long drops(Map<String, Long> counters) {
        return DROPS.stream().mapToLong(drop -> value(counters, drop)).sum();
    }

    private String padded(String name) {
        int width = queues.keySet().stream().mapToInt(String::length).reduce(NAME.length(), Math::max);
        return name + " ".repeat(width - name.length());
    }

    private static long grown(Map<String, Long> now, Map<String, Long> before, String name) {
        return Math.max(0, value(now, name) - value(before, name));
    }

    private static long value(Map<String, Long> counters, String name) {
        return counters.getOrDefault(name, 0L);
    }
}
