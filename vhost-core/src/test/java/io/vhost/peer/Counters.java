package io.vhost.peer;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Counters as testpmd prints them, {@code RX-packets: 17} and the like, under its own names.
 * Where a name appears more than once, as in forwarding statistics by port and in total, the last one counts.
 */
public final class Counters {
    private static final Pattern ENTRY = Pattern.compile("([A-Z][A-Za-z0-9-]*):\\s+(\\d+)");

    private final Map<String, Long> values = new LinkedHashMap<>();

    Counters(String output) {
        ENTRY.matcher(output).results()
                .forEach(entry -> values.put(entry.group(1), Long.valueOf(entry.group(2))));
    }

    /** Packets received. */
    public long received() {
        return value("RX-packets");
    }

    /** Packets sent. */
    public long sent() {
        return value("TX-packets");
    }

    /** Packets received in a second, since the previous look at the same port. */
    public long receivedPerSecond() {
        return value("Rx-pps");
    }

    /** Packets sent in a second, since the previous look at the same port. */
    public long sentPerSecond() {
        return value("Tx-pps");
    }

    /** The counter that testpmd calls {@code name}. */
    public long value(String name) {
        Long value = values.get(name);
        if (value == null) {
            throw new IllegalArgumentException("no counter " + name + " in " + values);
        }
        return value;
    }

    @Override
    public String toString() {
        return values.toString();
    }
}
