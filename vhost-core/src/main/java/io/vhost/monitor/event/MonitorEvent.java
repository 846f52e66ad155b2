package io.vhost.monitor.event;

import io.vhost.monitor.json.Json;
import java.time.Instant;
import java.util.Map;

/**
 * Something that happened, as clients are told.
 *
 * @param name upper case, words joined by underscores
 * @param data members; empty for none
 * @param similar events of the same name with the same text here come once a second at most; null: no limit
 */
public record MonitorEvent(String name, Map<String, Object> data, String similar) {
    private static final int NANOS_PER_MICRO = 1000;

    /** An event that is never held back. */
    public static MonitorEvent of(String name, Object... namesAndValues) {
        return new MonitorEvent(name, Json.object(namesAndValues), null);
    }

    /** The message, with the present time. */
    public String message() {
        Instant now = Instant.now();
        Map<String, Object> message = Json.object("event", name);
        if (!data.isEmpty()) {
            message.put("data", data);
        }
        message.put("timestamp", Json.object(
                "seconds", now.getEpochSecond(), "microseconds", now.getNano() / NANOS_PER_MICRO));
        return Json.write(message);
    }
}
