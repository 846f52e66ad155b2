package io.vhost.app.forward;

import io.vhost.app.cli.Stopwatch;
import io.vhost.app.polling.PortCounters;
import java.io.PrintWriter;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Supplier;

/** What {@code forward} tells about its ports. One thread. */
final class ForwardReport {
    private static final String HEAD = "port       rx packets            rx bytes      tx packets"
            + "            tx bytes dropped packets       dropped bytes   invalid  socket";

    private final Supplier<List<ForwardPort>> ports;
    private Map<ForwardPort, PortCounters> before = Map.of();
    private final Stopwatch time = new Stopwatch();

    /**
     * A report that begins now.
     *
     * @param ports those of the moment, which come and go
     */
    ForwardReport(Supplier<List<ForwardPort>> ports) {
        this.ports = ports;
    }

    /** Time since the beginning, in ns. */
    long elapsed() {
        return time.elapsed();
    }

    /** Rates since the last time. */
    String progress() {
        double nanos = time.lap();
        StringBuilder text =
                new StringBuilder(String.format(Locale.ROOT, "%4.0f s", time.elapsed() / 1e9));
        Map<ForwardPort, PortCounters> now = new HashMap<>();
        for (ForwardPort port : ports.get()) {
            PortCounters counters = port.counters();
            PortCounters last = before.getOrDefault(port, PortCounters.ZERO);
            now.put(port, counters);
            text.append(
                    String.format(
                            Locale.ROOT,
                            "  port %d rx %.3f tx %.3f dropped %.3f Mpps%s%s",
                            port.number(),
                            (counters.rxPackets() - last.rxPackets()) * 1e3 / nanos,
                            (counters.txPackets() - last.txPackets()) * 1e3 / nanos,
                            (counters.dropPackets() - last.dropPackets()) * 1e3 / nanos,
                            port.copies() ? ", " + port.inFlight() + " in flight" : "",
                            !port.isConnected() ? " (nobody connected)" : ""));
        }
        before = now;
        return text.toString();
    }

    /** The closing table. */
    void totals(PrintWriter out) {
        out.println();
        out.println(HEAD);
        for (ForwardPort port : ports.get()) {
            PortCounters c = port.counters();
            out.printf(
                    "%-5d%16d%20d%16d%20d%16d%20d%10d  %s%n",
                    port.number(),
                    c.rxPackets(),
                    c.rxBytes(),
                    c.txPackets(),
                    c.txBytes(),
                    c.dropPackets(),
                    c.dropBytes(),
                    c.badPackets(),
                    port.name());
        }
        out.flush();
    }
}
