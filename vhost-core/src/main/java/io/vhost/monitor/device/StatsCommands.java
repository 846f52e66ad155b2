package io.vhost.monitor.device;

import io.vhost.device.VhostDevice;
import io.vhost.device.VirtQueue;
import io.vhost.monitor.command.Arguments;
import io.vhost.monitor.command.Command;
import io.vhost.monitor.command.CommandException;
import io.vhost.monitor.command.Type;
import io.vhost.monitor.command.Type.Member;
import io.vhost.monitor.json.Json;
import io.vhost.state.QueueCounters.Counter;
import io.vhost.state.RingViolation;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Predicate;

/** Counters, in the form of QEMU's {@code query-stats}; named as DPDK names them where it has the same. */
final class StatsCommands {
    private static final String PROVIDER = "vhost";
    private static final Type TARGET = Type.enumeration("device", "vring");
    private static final Type PROVIDERS = Type.array(Type.object(
            Member.of("provider", Type.enumeration(PROVIDER)),
            Member.optional("names", Type.array(Type.STRING))));
    private static final Type RESULT = Type.object(
            Member.of("provider", Type.STRING), Member.optional("qom-path", Type.STRING),
            Member.of("stats", Type.array(Type.object(
                    Member.of("name", Type.STRING), Member.of("value", Type.UINT64)))));
    private static final Type SCHEMA = Type.object(
            Member.of("provider", Type.STRING), Member.of("target", TARGET),
            Member.of("stats", Type.array(Type.object(
                    Member.of("name", Type.STRING),
                    Member.of("type", Type.enumeration("cumulative", "instant", "peak")),
                    Member.optional("unit", Type.enumeration("bytes", "seconds")),
                    Member.optional("base", Type.INT), Member.of("exponent", Type.INT)))));
    private static final String IN_FLIGHT = "inflight";
    private static final String LONGEST_HOLD = "lock_longest_hold";

    private final DeviceRegistry devices;
    private final DeviceLookup lookup;
    private final StatsBase base = new StatsBase();

    StatsCommands(DeviceRegistry devices) {
        this.devices = devices;
        this.lookup = new DeviceLookup(devices);
    }

    List<Command> commands() {
        return List.of(
                Command.named("query-stats").help("show counters of devices or queues")
                        .argument("target", TARGET).optional("providers", PROVIDERS)
                        .returns(Type.array(RESULT)).runs(this::stats),
                Command.named("query-stats-schemas").help("describe the counters")
                        .optional("provider", Type.enumeration(PROVIDER))
                        .returns(Type.array(SCHEMA)).runs(_ -> schemas()),
                Command.named("x-vhost-stats-reset").help("let the counters of queues begin at 0 again")
                        .mutating()
                        .argument("path", Type.STRING).optional("queue", Type.UINT16)
                        .runs(this::reset));
    }

    private Object reset(Arguments arguments) throws CommandException {
        lookup.queues(arguments).forEach(place -> base.reset(place.queue().counters()));
        return null;
    }

    private List<Map<String, Object>> stats(Arguments arguments) {
        Predicate<String> wanted = wanted(arguments);
        boolean perQueue = arguments.text("target").equals("vring");
        List<Map<String, Object>> results = new ArrayList<>();
        if (arguments.has("providers") && arguments.list("providers").isEmpty()) {
            return results;
        }
        devices.byPath().forEach((path, device) -> {
            if (perQueue) {
                queues(device).forEach(queue ->
                        results.add(result(path + "/queue/" + queue.index(), List.of(queue), wanted)));
            } else {
                results.add(result(path, queues(device), wanted));
            }
        });
        return results;
    }

    /** Which names the filter lets through: all of ours unless it names some. */
    private static Predicate<String> wanted(Arguments arguments) {
        List<String> names = new ArrayList<>();
        boolean all = !arguments.has("providers");
        for (Object filter : arguments.list("providers")) {
            if (((Map<?, ?>) filter).get("names") instanceof List<?> given) {
                given.forEach(name -> names.add((String) name));
            } else {
                all = true;
            }
        }
        return all ? _ -> true : names::contains;
    }

    private static List<VirtQueue> queues(VhostDevice device) {
        List<VirtQueue> queues = new ArrayList<>();
        for (int i = 0; i < device.queueCount(); i++) {
            queues.add(device.queue(i));
        }
        return queues;
    }

    private Map<String, Object> result(String path, List<VirtQueue> sources, Predicate<String> wanted) {
        Map<String, Long> values = new LinkedHashMap<>();
        for (Counter counter : Counter.values()) {
            values.put(name(counter),
                    sources.stream().mapToLong(queue -> base.get(queue.counters(), counter)).sum());
        }
        for (RingViolation violation : RingViolation.values()) {
            values.put(name(violation),
                    sources.stream().mapToLong(queue -> base.get(queue.counters(), violation)).sum());
        }
        values.put(IN_FLIGHT, sources.stream().mapToLong(DeviceLookup::inFlight).sum());
        values.put(LONGEST_HOLD,
                sources.stream().mapToLong(queue -> queue.access_lock.longestHold().toNanos()).max()
                        .orElse(0));
        List<Map<String, Object>> stats = new ArrayList<>();
        values.forEach((name, value) -> {
            if (wanted.test(name)) {
                stats.add(Json.object("name", name, "value", value));
            }
        });
        return Json.object("provider", PROVIDER, "qom-path", path, "stats", stats);
    }

    private static List<Map<String, Object>> schemas() {
        List<Map<String, Object>> stats = new ArrayList<>();
        for (Counter counter : Counter.values()) {
            Map<String, Object> entry = Json.object("name", name(counter), "type", "cumulative");
            if (counter == Counter.BYTES) {
                entry.put("unit", "bytes");
            }
            entry.put("exponent", 0);
            stats.add(entry);
        }
        for (RingViolation violation : RingViolation.values()) {
            stats.add(Json.object("name", name(violation), "type", "cumulative", "exponent", 0));
        }
        stats.add(Json.object("name", IN_FLIGHT, "type", "instant", "exponent", 0));
        stats.add(Json.object("name", LONGEST_HOLD, "type", "peak", "unit", "seconds", "base", 10,
                "exponent", -9));
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
