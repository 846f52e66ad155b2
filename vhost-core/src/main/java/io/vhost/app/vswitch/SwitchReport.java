package io.vhost.app.vswitch;

import io.vhost.app.cli.Stopwatch;
import io.vhost.app.polling.PortCounters;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;

/** What {@code switch} tells about its ports. One thread. */
final class SwitchReport {
    private final List<SwitchMember> members;
    private final PortCounters[] before;
    private final Stopwatch time = new Stopwatch();

    /** A report that begins now. */
    SwitchReport(List<SwitchMember> members) {
        this.members = members;
        this.before = members.stream().map(SwitchMember::counters).toArray(PortCounters[]::new);
    }

    /** Time since the beginning, in ns. */
    long elapsed() {
        return time.elapsed();
    }

    /** Rates since the last time. */
    String progress() {
        double seconds = time.lap() / 1e9;
        StringBuilder text = new StringBuilder(String.format(Locale.ROOT, "%4.0f s", time.elapsed() / 1e9));
        for (int i = 0; i < before.length; i++) {
            PortCounters counters = members.get(i).counters();
            PortCounters last = before[i];
            before[i] = counters;
            if (!members.get(i).isConnected()) {
                text.append(String.format(Locale.ROOT, "  port %d (nobody connected)", i));
                continue;
            }
            text.append(String.format(
                    Locale.ROOT, "  port %d rx %.0f pps %.1f Mbit/s tx %.0f pps %.1f Mbit/s", i,
                    (counters.rxPackets() - last.rxPackets()) / seconds,
                    (counters.rxBytes() - last.rxBytes()) * 8 / 1e6 / seconds,
                    (counters.txPackets() - last.txPackets()) / seconds,
                    (counters.txBytes() - last.txBytes()) * 8 / 1e6 / seconds));
            if (members.get(i).copies()) {
                text.append(", ").append(members.get(i).inFlight()).append(" in flight");
            }
            long dropped = counters.dropPackets() - last.dropPackets();
            if (dropped > 0) {
                text.append(" dropped ").append(dropped);
            }
        }
        return text.toString();
    }

    /** The closing table. */
    void totals(PrintWriter out) {
        out.printf("%n%-5s%14s%18s%14s%18s%10s  %s%n",
                "port", "rx packets", "rx bytes", "tx packets", "tx bytes", "dropped", "name");
        for (int i = 0; i < before.length; i++) {
            PortCounters c = members.get(i).counters();
            out.printf("%-5d%14d%18d%14d%18d%10d  %s%n", i,
                    c.rxPackets(), c.rxBytes(), c.txPackets(), c.txBytes(), c.dropPackets(),
                    members.get(i).name());
        }
        out.flush();
    }
}
