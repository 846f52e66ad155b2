package io.vhost.bench;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What one testpmd with one port and queue did since its statistics were cleared: its answer to
 * {@code show fwd stats all} with {@code record-burst-stats} and {@code record-core-cycles} on.
 * Not a number stands for what it did not say.
 *
 * @param emptyShare of its polls that found nothing, 0 to 1; testpmd says it in whole per cents, cut off
 * @param meanBurst packets a burst that it sent
 * @param nanosPerPacket time of all its polls by packets, in ns; DPDK 22.11 counts empty polls too
 */
record ForwardStats(double emptyShare, double meanBurst, double nanosPerPacket) {
    /** Of a program that tells nothing. */
    static final ForwardStats UNKNOWN = new ForwardStats(Double.NaN, Double.NaN, Double.NaN);

    /** Shares of empty polls at least so far apart, in per cent, tell the sides apart. */
    private static final int DIFFERENT = 10;
    private static final Pattern SENT = Pattern.compile("TX-packets: +(\\d+)");
    private static final Pattern POLLS = Pattern.compile("RX-bursts *: *\\d+ \\[(\\d+)% of 0 pkts");
    private static final Pattern BURSTS = Pattern.compile("TX-bursts *: *(\\d+) \\[");
    private static final Pattern CYCLES =
            Pattern.compile("CPU cycles/packet=([0-9.]+) .* at (\\d+) MHz Clock");

    /** Reads testpmd's answer. */
    static ForwardStats parse(String answer) {
        Matcher cycles = CYCLES.matcher(answer);
        double nanos = cycles.find()
                ? Double.parseDouble(cycles.group(1)) * 1000 / Double.parseDouble(cycles.group(2))
                : Double.NaN;
        return new ForwardStats(number(POLLS, answer) / 100,
                number(SENT, answer) / number(BURSTS, answer), nanos);
    }

    /**
     * Which side the other one waited for, as far as polls tell: the one that found something more often.
     * Means nothing for a window in which a side had no CPU.
     *
     * @param front the front-end's
     * @param back the back-end's, perhaps unknown
     */
    static Bottleneck bottleneck(ForwardStats front, ForwardStats back) {
        if (Double.isNaN(front.emptyShare)) {
            return Bottleneck.UNKNOWN;
        }
        if (Double.isNaN(back.emptyShare)) {
            // What is left whatever the back-end's share is.
            boolean never = percent(front.emptyShare - 1) > -DIFFERENT;
            boolean always = percent(front.emptyShare) < DIFFERENT;
            return never ? Bottleneck.NOT_FRONT_END : always ? Bottleneck.NOT_BACK_END : Bottleneck.UNKNOWN;
        }
        long more = percent(front.emptyShare - back.emptyShare);
        return more >= DIFFERENT ? Bottleneck.BACK_END
                : more <= -DIFFERENT ? Bottleneck.FRONT_END : Bottleneck.NEITHER;
    }

    /** In words, for people. */
    String text() {
        return Double.isNaN(emptyShare)
                ? "tells nothing"
                : String.format(Locale.ROOT,
                        "%.0f %% empty polls, %.1f packets a burst, %.0f ns a packet with empty polls",
                        emptyShare * 100, meanBurst, nanosPerPacket);
    }

    /** The side that limits throughput. */
    enum Bottleneck { BACK_END, FRONT_END, NEITHER, NOT_FRONT_END, NOT_BACK_END, UNKNOWN }

    // Testpmd has whole per cents.
    private static long percent(double share) {
        return Math.round(100 * share);
    }

    private static double number(Pattern pattern, String text) {
        Matcher matcher = pattern.matcher(text);
        return matcher.find() ? Double.parseDouble(matcher.group(1)) : Double.NaN;
    }
}
