package io.vhost.app.demo;

import com.google.errorprone.annotations.FormatMethod;
import io.vhost.app.cli.Stopwatch;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;

/** What the demo tells about its traffic. One thread. */
final class DemoReport {
    private static final double MICROSECOND = 1e3;
    private static final String HEAD =
            "               packets    Mpps  Gbit/s   lost  drops disordered corrupted"
                    + "   latency us  50 %     99 %   99.9 %      max";

    private final Demo demo;
    private final long[] packets;
    private final long[] bytes;
    private final Stopwatch time = new Stopwatch();

    /** A report that begins now. */
    DemoReport(Demo demo) {
        this.demo = demo;
        this.packets = new long[demo.flows().size()];
        this.bytes = new long[packets.length];
    }

    /** Time since the beginning, in ns. */
    long elapsed() {
        return time.elapsed();
    }

    /** Rates since the last time, and totals. */
    String progress() {
        double nanos = time.lap();
        long total = 0;
        long underway = 0;
        long bad = 0;
        StringBuilder text = new StringBuilder(format("%3.0f s", time.elapsed() / 1e9));
        for (int i = 0; i < packets.length; i++) {
            DemoFlow flow = demo.flows().get(i);
            long received = flow.sink().received();
            long volume = flow.sink().bytes();
            text.append(format("  %s %.2f Mpps %.1f Gbit/s", flow.name().replace(" ", ""),
                    (received - packets[i]) * 1e3 / nanos, (volume - bytes[i]) * 8 / nanos));
            packets[i] = received;
            bytes[i] = volume;
            total += received;
            underway += flow.underway();
            bad += demo.dropped(i) + flow.sink().disordered() + flow.sink().corrupted();
        }
        if (demo.copies()) {
            text.append(format("  %d copying", demo.copying()));
        }
        return text.append(format("  %,d verified, %d in flight, %d bad", total, underway, bad))
                .toString();
    }

    /** The closing table, for traffic that took {@code nanos}. */
    void table(PrintWriter out, long nanos) {
        out.println();
        out.println(HEAD);
        LatencyHistogram all = new LatencyHistogram();
        long[] sums = new long[6];
        List<DemoFlow> flows = demo.flows();
        for (int i = 0; i < flows.size(); i++) {
            TrafficSink sink = flows.get(i).sink();
            long[] values = {
                sink.received(),
                sink.bytes(),
                flows.get(i).lost(),
                demo.dropped(i),
                sink.disordered(),
                sink.corrupted()
            };
            row(out, flows.get(i).name(), nanos, values, sink.latencies());
            for (int j = 0; j < sums.length; j++) {
                sums[j] += values[j];
            }
            all.add(sink.latencies());
        }
        row(out, "both", nanos, sums, all);
        if (demo.copies()) {
            out.printf(Locale.ROOT, "DMA channels made %,d copies of packets.%n", demo.copied());
        }
        out.println();
    }

    private static void row(
            PrintWriter out, String name, long nanos, long[] values, LatencyHistogram latencies) {
        out.printf(
                Locale.ROOT,
                "%-8s%,14d%8.3f%8.2f%7d%7d%11d%10d            %7.1f  %7.1f  %7.1f  %7.1f%n",
                name,
                values[0],
                values[0] * 1e3 / nanos,
                values[1] * 8.0 / nanos,
                values[2],
                values[3],
                values[4],
                values[5],
                latencies.percentile(0.5) / MICROSECOND,
                latencies.percentile(0.99) / MICROSECOND,
                latencies.percentile(0.999) / MICROSECOND,
                latencies.max() / MICROSECOND);
    }

    @FormatMethod
    private static String format(String format, Object... values) {
        return String.format(Locale.ROOT, format, values);
    }
}
