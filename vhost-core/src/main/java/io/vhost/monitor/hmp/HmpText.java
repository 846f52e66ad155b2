package io.vhost.monitor.hmp;

import io.vhost.monitor.json.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Results of commands as text, in QEMU's layout where it has one. Lines end with LF here. */
final class HmpText {
    private HmpText() {}

    static String version(Map<String, Object> arguments, Object result) {
        Map<?, ?> numbers = (Map<?, ?>) member(result, "qemu");
        return "%s.%s.%s%s\n".formatted(numbers.get("major"), numbers.get("minor"), numbers.get("micro"),
                member(result, "package"));
    }

    static String name(Map<String, Object> arguments, Object result) {
        Object name = member(result, "name");
        return name == null ? "" : name + "\n";
    }

    static String status(Map<String, Object> arguments, Object result) {
        return "VM status: " + member(result, "status") + "\n";
    }

    static String devices(Map<String, Object> arguments, Object result) {
        StringBuilder text = new StringBuilder();
        for (Object device : (List<?>) result) {
            text.append(member(device, "path")).append(" [").append(member(device, "name")).append("]\n");
        }
        return text.isEmpty() ? "No VirtIO devices\n" : text.toString();
    }

    static String deviceStatus(Map<String, Object> arguments, Object result) {
        StringBuilder text = new StringBuilder(arguments.get("path") + ":\n");
        line(text, 25, "device_name", member(result, "name") + " (vhost)");
        for (String name : List.of("device-id", "vhost-started", "bus-name", "broken", "disabled",
                "disable-legacy-check", "started", "use-started", "start-on-kick", "use-guest-notifier-mask",
                "vm-running", "num-vqs", "queue-sel", "isr")) {
            line(text, 25, name.replace('-', '_'), member(result, name));
        }
        line(text, 25, "endianness", member(result, "device-endian"));
        list(text, "  status", member(member(result, "status"), "statuses"));
        for (String whose : List.of("Guest", "Host", "Backend")) {
            features(text, "  " + whose + " features",
                    member(result, whose.toLowerCase(Locale.ROOT) + "-features"));
        }
        Object vhost = member(result, "vhost-dev");
        text.append("  VHost:\n");
        for (String name : List.of("nvqs", "vq-index", "max-queues", "n-mem-sections", "n-tmp-sections",
                "backend-cap", "log-enabled", "log-size")) {
            line(text.append("  "), 23, name.replace('-', '_'), member(vhost, name));
        }
        features(text, "    Features", member(vhost, "features"));
        features(text, "    Acked features", member(vhost, "acked-features"));
        list(text, "    Protocol features", member(member(vhost, "protocol-features"), "protocols"));
        return text.toString();
    }

    static String queueStatus(Map<String, Object> arguments, Object result) {
        StringBuilder text = new StringBuilder(arguments.get("path") + ":\n");
        line(text, 22, "device_name", member(result, "name"));
        for (String name : List.of(
                "queue-index", "inuse", "used-idx", "signalled-used", "signalled-used-valid",
                "last-avail-idx", "shadow-avail-idx")) {
            if (member(result, name) != null) {
                line(text, 22, name.replace('-', '_'), member(result, name));
            }
        }
        text.append("  VRing:\n");
        for (String name : List.of("num", "num-default", "align")) {
            line(text.append("  "), 14, name.replace('-', '_'), member(result, "vring-" + name));
        }
        for (String name : List.of("desc", "avail", "used")) {
            line(text.append("  "), 14, name, address(member(result, "vring-" + name)));
        }
        return text.toString();
    }

    static String queueElement(Map<String, Object> arguments, Object result) {
        StringBuilder text = new StringBuilder(arguments.get("path") + ":\n");
        line(text, 13, "device_name", member(result, "name"));
        line(text, 9, "index", member(result, "index"));
        text.append("  desc:\n    descs:\n");
        List<String> descriptors = new ArrayList<>();
        for (Object descriptor : (List<?>) member(result, "descs")) {
            List<String> flags = new ArrayList<>();
            ((List<?>) member(descriptor, "flags")).forEach(flag -> flags.add((String) flag));
            descriptors.add("        addr 0x%x len %s".formatted(
                    ((Number) member(descriptor, "addr")).longValue(), member(descriptor, "len"))
                    + (flags.isEmpty() ? "" : " (" + String.join(", ", flags) + ")"));
        }
        text.append(String.join(",\n", descriptors)).append('\n');
        for (String area : List.of("avail", "used")) {
            text.append("  ").append(area).append(":\n");
            ((Map<?, ?>) member(result, area))
                    .forEach((name, value) -> line(text.append("  "), 7, (String) name, value));
        }
        return text.toString();
    }

    static String vhostQueueStatus(Map<String, Object> arguments, Object result) {
        StringBuilder text = new StringBuilder(arguments.get("path") + ":\n");
        line(text, 22, "device_name", member(result, "name") + " (vhost)");
        line(text, 22, "kick", member(result, "kick"));
        line(text, 22, "call", member(result, "call"));
        text.append("  VRing:\n");
        line(text.append("  "), 13, "num", member(result, "num"));
        for (String name : List.of("desc", "avail", "used")) {
            line(text.append("  "), 13, name, address(member(result, name)));
            line(text.append("  "), 13, name + "_phys", address(member(result, name + "-phys")));
            line(text.append("  "), 13, name + "_size", member(result, name + "-size"));
        }
        return text.toString();
    }

    static String stats(Map<String, Object> arguments, Object result) {
        StringBuilder text = new StringBuilder();
        for (Object source : (List<?>) result) {
            text.append(member(source, "qom-path")).append(":\n");
            for (Object value : (List<?>) member(source, "stats")) {
                text.append("    ").append(member(value, "name")).append(": ").append(member(value, "value"))
                        .append('\n');
            }
        }
        return text.toString();
    }

    /** Anything: one line for an object, one for each element of an array. */
    static String any(Map<String, Object> arguments, Object result) {
        if (result instanceof List<?> list) {
            StringBuilder text = new StringBuilder();
            list.forEach(element -> text.append(any(arguments, element)));
            return text.toString();
        }
        if (result instanceof Map<?, ?> map) {
            StringBuilder text = new StringBuilder();
            map.forEach((name, value) -> text.append(text.isEmpty() ? "" : " ").append(name).append('=')
                    .append(value instanceof List || value instanceof Map ? Json.write(value) : value));
            return text.append('\n').toString();
        }
        return result + "\n";
    }

    private static void features(StringBuilder text, String title, Object features) {
        list(text, title, member(features, "transports"), member(features, "dev-features"));
        if (member(features, "unknown-dev-features") instanceof Number unknown) {
            text.append("      unknown-features(0x%016x)\n".formatted(unknown.longValue()));
        }
    }

    private static void list(StringBuilder text, String title, Object... lists) {
        text.append(title).append(":\n");
        for (Object list : lists) {
            for (Object element : (List<?>) list) {
                text.append('\t').append(element).append(",\n");
            }
        }
    }

    private static void line(StringBuilder text, int width, String name, Object value) {
        text.append(("  %-" + width + "s%s\n").formatted(name + ":", value));
    }

    private static String address(Object value) {
        return "0x%016x".formatted(((Number) value).longValue());
    }

    private static Object member(Object object, String name) {
        return ((Map<?, ?>) object).get(name);
    }
}
