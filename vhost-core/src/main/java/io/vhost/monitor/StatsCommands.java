package io.vhost.monitor;

import io.vhost.device.QueueCounters;
import io.vhost.device.QueueCounters.Counter;
import io.vhost.device.VhostDevice;
import io.vhost.ring.RingViolation;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Counters, in the form of QEMU's {@code query-stats}; named as DPDK names them where it has the same. */
final class StatsCommands {
    private static final String PROVIDER = "vhost";
    private static final Type TARGET = Type.enumeration("device", "vring");
    private static final Type PROVIDERS = Type.array(Type.object(
            Member.of("provider", Type.enumeration(PROVIDER)), Member.optional("names", Type.array(Type.STRING))));
    private static final Type RESULT = Type.object(
            Member.of("provider", Type.STRING), Member.optional("qom-path", Type.STRING),
            Member.of("stats", Type.array(Type.object(
                    Member.of("name", Type.STRING), Member.of("value", Type.UINT64)))));
    private static final Type SCHEMA = Type.object(
            Member.of("provider", Type.STRING), Member.of("target", TARGET),
            Member.of("stats", Type.array(Type.object(
                    Member.of("name", Type.STRING), Member.of("type", Type.enumeration("cumulative")),
                    Member.optional("unit", Type.enumeration("bytes"))))));

    private final MonitoredDevices devices;

    StatsCommands(MonitoredDevices devices) {
        this.devices = devices;
    }

    List<Command> commands() {
        return List.of(
                Command.named("query-stats").help("show counters of devices or queues")
                        .argument("target", TARGET).optional("providers", PROVIDERS)
                        .returns(Type.array(RESULT)).runs(this::stats),
                Command.named("query-stats-schemas").help("describe the counters")
                        .optional("provider", Type.enumeration(PROVIDER))
                        .returns(Type.array(SCHEMA)).runs(_ -> schemas()));
    }

    private List<Map<String, Object>> stats(Arguments arguments) {
        boolean perQueue = arguments.text("target").equals("vring");
        List<Map<String, Object>> results = new ArrayList<>();
        devices.byPath().forEach((path, device) -> {
            if (perQueue) {
                for (int i = 0; i < device.queueCount(); i++) {
                    results.add(result(path + "/queue/" + i, List.of(device.queue(i).counters())));
                }
            } else {
                results.add(result(path, counters(device)));
            }
        });
        return results;
    }

    private static List<QueueCounters> counters(VhostDevice device) {
        List<QueueCounters> counters = new ArrayList<>();
        for (int i = 0; i < device.queueCount(); i++) {
            counters.add(device.queue(i).counters());
        }
        return counters;
    }

    private static Map<String, Object> result(String path, List<QueueCounters> sources) {
        List<Map<String, Object>> stats = new ArrayList<>();
        for (Counter counter : Counter.values()) {
            long sum = sources.stream().mapToLong(source -> source.get(counter)).sum();
            stats.add(Json.object("name", name(counter), "value", sum));
        }
        for (RingViolation violation : RingViolation.values()) {
            long sum = sources.stream().mapToLong(source -> source.get(violation)).sum();
            stats.add(Json.object("name", name(violation), "value", sum));
        }
        return Json.object("provider", PROVIDER, "qom-path", path, "stats", stats);
    }

    private static List<Map<String, Object>> schemas() {
        List<Map<String, Object>> stats = new ArrayList<>();
        for (Counter counter : Counter.values()) {
            Map<String, Object> entry = Json.object("name", name(counter), "type", "cumulative");
            if (counter == Counter.BYTES) {
                entry.put("unit", "bytes");
            }
            stats.add(entry);
        }
        for (RingViolation violation : RingViolation.values()) {
            stats.add(Json.object("name", name(violation), "type", "cumulative"));
        }
        return List.of(
                Json.object("provider", PROVIDER, "target", "device", "stats", stats),
                Json.object("provider", PROVIDER, "target", "vring", "stats", stats));
    }

    private static String name(RingViolation violation) {
        return "violation_" + violation.name().toLowerCase(Locale.ROOT);
    }

    private static String name(Counter counter) {
        return switch (counter) {
            case PACKETS -> "good_packets";
            case BYTES -> "good_bytes";
            case INTERRUPTS -> "guest_notifications";
            case INTERRUPTS_SUPPRESSED -> "guest_notifications_suppressed";
            case INTERRUPTS_FAILED -> "guest_notifications_error";
            case SUBMITTED -> "inflight_submitted";
            case COMPLETED -> "inflight_completed";
            case POOL_EMPTY -> "mbuf_alloc_failed";
            default -> counter.name().toLowerCase(Locale.ROOT);
        };
    }
}
