package io.vhost.monitor.event;

import io.vhost.monitor.json.Json;
import java.time.Instant;
import java.util.Map;

/**
 * Something that happened, as clients are told.
 *
 * @param name upper case, words joined by underscores
 * @param data members, or their text; none if there are no members
 * @param similar events of the same name with the same text here come once a second at most; null: no limit
 */
public record MonitorEvent(String name, Object data, String similar) {
    private static final int NANOS_PER_MICRO = 1000;
    /** What one costs to keep that has a few members, in bytes. */
    private static final int TYPICAL = 512;

    /** An event that is never held back. */
    public static MonitorEvent of(String name, Object... namesAndValues) {
        return new MonitorEvent(name, Json.object(namesAndValues), null);
    }

    /**
     * The same, of data that somebody else made: they are read now, on the calling thread, and no more when
     * clients are told.
     */
    public static MonitorEvent of(String name, Map<String, ?> data) {
        return new MonitorEvent(name, data.isEmpty() ? Map.of() : new Json.Raw(Json.write(data)), null);
    }

    /** What it costs to keep, in bytes; more or less. */
    int weight() {
        return TYPICAL + (data instanceof Json.Raw raw ? raw.text().length() : 0);
    }

    /** The message, with the present time; members in QEMU's order. */
    public String message() {
        Instant now = Instant.now();
        Map<String, Object> message = Json.object("timestamp", Json.object(
                "seconds", now.getEpochSecond(), "microseconds", now.getNano() / NANOS_PER_MICRO));
        message.put("event", name);
        if (!Map.of().equals(data)) {
            message.put("data", data);
        }
        return Json.write(message);
    }
}
