package io.vhost.app.top;

import io.vhost.monitor.MonitorClient;
import io.vhost.monitor.command.CommandException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What has passed the ports of a switch up to one moment: sockets, and uplinks and interfaces, which have no
 * queues of their own.
 *
 * @param ports counters by name, by the port's number and name
 */
record TopPorts(Map<String, Map<String, Long>> ports) {
    /** No ports. */
    static final TopPorts NONE = new TopPorts(Map.of());

    private static final List<String> COUNTERS = List.of(
            "rx-packets", "rx-bytes", "tx-packets", "tx-bytes", "dropped-packets", "dropped-bytes");
    private static final double GIGABIT = 1e9 / 8;

    /** Asks a monitor; that of a program which is no switch, or does not run yet, has none. */
    static TopPorts ask(MonitorClient monitor) throws IOException {
        Map<String, Map<String, Long>> ports = new LinkedHashMap<>();
        try {
            for (Object port : (List<?>) monitor.call("x-query-vhost-ports", Map.of())) {
                Map<?, ?> entry = (Map<?, ?>) port;
                Map<String, Long> counters = new LinkedHashMap<>();
                for (String counter : COUNTERS) {
                    counters.put(counter, ((Number) entry.get(counter)).longValue());
                }
                counters.put("connected", Boolean.TRUE.equals(entry.get("connected")) ? 1L : 0L);
                ports.put(entry.get("port") + " " + entry.get("name"), counters);
            }
            return new TopPorts(ports);
        } catch (CommandException _) {
            return NONE;
        }
    }

    /** A title, and a line with rates for each port; nothing if there are none. */
    List<String> since(TopPorts before, double seconds) {
        List<String> lines = new ArrayList<>();
        if (!ports.isEmpty()) {
            int width = ports.keySet().stream().mapToInt(String::length).reduce("port".length(), Math::max);
            lines.add("");
            lines.add("port" + " ".repeat(width - "port".length()) + " %10s %8s %10s %8s %8s".formatted(
                    "rx/s", "Gbit/s", "tx/s", "Gbit/s", "drops"));
            ports.forEach((name, now) -> {
                Map<String, Long> old = before.ports.getOrDefault(name, Map.of());
                String padded = name + " ".repeat(width - name.length());
                lines.add(now.get("connected") == 0 ? padded + " (nobody connected)"
                        : padded + " %10.0f %8.3f %10.0f %8.3f %8d".formatted(
                                grown(now, old, "rx-packets") / seconds,
                                grown(now, old, "rx-bytes") / seconds / GIGABIT,
                                grown(now, old, "tx-packets") / seconds,
                                grown(now, old, "tx-bytes") / seconds / GIGABIT,
                                now.get("dropped-packets")));
            });
        }
        return lines;
    }

    private static long grown(Map<String, Long> now, Map<String, Long> before, String name) {
        return Math.max(0, now.getOrDefault(name, 0L) - before.getOrDefault(name, 0L));
    }
}
