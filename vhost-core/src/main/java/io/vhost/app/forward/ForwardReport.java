package io.vhost.app.forward;

import io.vhost.app.cli.Stopwatch;
import io.vhost.app.polling.PortCounters;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;

/** What {@code forward} tells about its ports. One thread. */
final class ForwardReport {
    private static final String HEAD = "port       rx packets            rx bytes      tx packets"
            + "            tx bytes dropped packets       dropped bytes   invalid  socket";

    private final List<ForwardPort> ports;
    private final PortCounters[] before;
    private final Stopwatch time = new Stopwatch();

    /** A report that begins now. */
    ForwardReport(List<ForwardPort> ports) {
        this.ports = ports;
        this.before = ports.stream().map(ForwardPort::counters).toArray(PortCounters[]::new);
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
        for (ForwardPort port : ports) {
            PortCounters counters = port.counters();
            PortCounters last = before[port.number()];
            before[port.number()] = counters;
            text.append(
                    String.format(
                            Locale.ROOT,
                            "  port %d rx %.3f tx %.3f dropped %.3f Mpps%s%s",
                            port.number(),
                            (counters.rxPackets() - last.rxPackets()) * 1e3 / nanos,
                            (counters.txPackets() - last.txPackets()) * 1e3 / nanos,
                            (counters.dropPackets() - last.dropPackets()) * 1e3 / nanos,
                            port.copies() ? ", " + port.inFlight() + " in flight" : "",
                            port.device() == null ? " (nobody connected)" : ""));
        }
        return text.toString();
    }

    /** The closing table. */
    void totals(PrintWriter out) {
        out.println();
        out.println(HEAD);
        for (ForwardPort port : ports) {
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
