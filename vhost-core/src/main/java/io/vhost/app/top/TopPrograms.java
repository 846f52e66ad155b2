package io.vhost.app.top;

import io.vhost.monitor.MonitorClient;
import io.vhost.monitor.command.CommandException;
import io.vhost.monitor.command.ErrorClass;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What programs on queues have decided up to one moment.
 *
 * @param programs counters by name, by the program's port and name
 */
record TopPrograms(Map<String, Map<String, Long>> programs) {
    /** No programs. */
    static final TopPrograms NONE = new TopPrograms(Map.of());

    private static final List<String> COUNTERS =
            List.of("packets", "passed", "dropped", "transmitted", "redirected", "aborted");

    /** Asks a monitor; one that knows nothing of programs has none. */
    static TopPrograms ask(MonitorClient monitor) throws IOException, CommandException {
        try {
            Map<String, Map<String, Long>> programs = new LinkedHashMap<>();
            for (Object place : (List<?>) monitor.call("query-bpf", Map.of())) {
                add((Map<?, ?>) place, programs);
            }
            return new TopPrograms(programs);
        } catch (CommandException e) {
            if (e.errorClass() == ErrorClass.COMMAND_NOT_FOUND) {
                return NONE;
            }
            throw e;
        }
    }

    private static void add(Map<?, ?> place, Map<String, Map<String, Long>> programs) {
        String where = place.get("port") + ("out".equals(place.get("direction")) ? "/out:" : ":");
        for (Object program : (List<?>) place.get("programs")) {
            Map<?, ?> entry = (Map<?, ?>) program;
            Map<String, Long> counters = new LinkedHashMap<>();
            for (String counter : COUNTERS) {
                counters.put(counter, ((Number) entry.get(counter)).longValue());
            }
            programs.put(where + entry.get("name"), counters);
        }
    }

    /** A title, and a line with rates for each program; nothing if there are none. */
    List<String> since(TopPrograms before, double seconds) {
        List<String> lines = new ArrayList<>();
        if (!programs.isEmpty()) {
            lines.add("");
            lines.add("%-24s %10s %10s %9s %9s %9s".formatted(
                    "program", "packets/s", "passed/s", "dropped/s", "moved/s", "aborted"));
        }
        programs.forEach((name, now) -> {
            Map<String, Long> old = before.programs.getOrDefault(name, Map.of());
            lines.add("%-24s %10.0f %10.0f %9.0f %9.0f %9d".formatted(name,
                    grown(now, old, "packets") / seconds, grown(now, old, "passed") / seconds,
                    grown(now, old, "dropped") / seconds,
                    (grown(now, old, "transmitted") + grown(now, old, "redirected")) / seconds,
                    now.getOrDefault("aborted", 0L)));
        });
        return lines;
    }

    private static double grown(Map<String, Long> now, Map<String, Long> before, String name) {
        return Math.max(0, now.getOrDefault(name, 0L) - before.getOrDefault(name, 0L));
    }
}
