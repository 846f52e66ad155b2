package io.vhost.app.vswitch;

import io.vhost.app.cli.Stopwatch;
import io.vhost.app.polling.PortCounters;
import java.io.PrintWriter;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Supplier;

/** What {@code switch} tells about its ports, which come and go. One thread. */
final class SwitchReport {
    private final Supplier<List<SwitchMember>> members;
    private final Map<SwitchMember, PortCounters> before = new HashMap<>();
    private final Stopwatch time = new Stopwatch();

    /** A report that begins now. */
    SwitchReport(Supplier<List<SwitchMember>> members) {
        this.members = members;
        members.get().forEach(member -> before.put(member, member.counters()));
    }

    /** Time since the beginning, in ns. */
    long elapsed() {
        return time.elapsed();
    }

    /** Rates since the last time. */
    String progress() {
        double seconds = time.lap() / 1e9;
        StringBuilder text = new StringBuilder(String.format(Locale.ROOT, "%4.0f s", time.elapsed() / 1e9));
        List<SwitchMember> present = members.get();
        before.keySet().retainAll(present);
        for (SwitchMember member : present) {
            PortCounters counters = member.counters();
            PortCounters known = before.put(member, counters);
            PortCounters last = known == null ? PortCounters.ZERO : known;
            if (!member.isConnected()) {
                text.append(String.format(Locale.ROOT, "  port %d (nobody connected)", member.number()));
                continue;
            }
            text.append(String.format(
                    Locale.ROOT, "  port %d rx %.0f pps %.1f Mbit/s tx %.0f pps %.1f Mbit/s", member.number(),
                    (counters.rxPackets() - last.rxPackets()) / seconds,
                    (counters.rxBytes() - last.rxBytes()) * 8 / 1e6 / seconds,
                    (counters.txPackets() - last.txPackets()) / seconds,
                    (counters.txBytes() - last.txBytes()) * 8 / 1e6 / seconds));
            if (member.copies()) {
                text.append(", ").append(member.inFlight()).append(" in flight");
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
        for (SwitchMember member : members.get()) {
            PortCounters c = member.counters();
            out.printf("%-5d%14d%18d%14d%18d%10d  %s%n", member.number(),
                    c.rxPackets(), c.rxBytes(), c.txPackets(), c.txBytes(), c.dropPackets(),
                    member.name());
        }
        out.flush();
    }
}
