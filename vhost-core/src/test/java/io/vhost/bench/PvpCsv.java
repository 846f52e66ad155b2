package io.vhost.bench;

import java.util.Locale;

/** Raw data of {@code pvp}: comments that say where they are from, and one line a window. */
final class PvpCsv {
    /** The names of the columns. */
    static final String COLUMNS = "comparison,instance,side,virtio,bytes,placement_before,placement_after,"
            + "mpps,recorded,front_empty,front_burst,front_ns,back_empty,back_burst,back_ns,bottleneck,"
            + "delay_ns\n";

    private final StringBuilder text = new StringBuilder();

    /** Adds a comment line. */
    void comment(String name, String value) {
        text.append("# ").append(name).append(": ").append(value.replaceAll("\\R", " ")).append('\n');
    }

    /** Adds the names of the columns. */
    void columns() {
        text.append(COLUMNS);
    }

    /**
     * Adds one window.
     *
     * @param comparison what is compared: {@code cell}, {@code control-a} or {@code control-b}
     * @param instance counted from 1
     * @param side A or B
     * @param virtio the front-end's device arguments
     * @param bytes of a packet
     */
    void window(String comparison, int instance, char side, String virtio, int bytes,
            PvpResult.Placed placed) {
        PvpPair.Window window = placed.window();
        text.append(String.join(",", comparison, Integer.toString(instance), Character.toString(side),
                quoted(virtio), Integer.toString(bytes), placed.before().name(), placed.after().name(),
                number(window.megaPacketsPerSecond()), Boolean.toString(window.recorded()),
                stats(window.front()), stats(window.back()),
                window.bottleneck().name(),
                Long.toString(window.delayNanos()))).append('\n');
    }

    private static String stats(ForwardStats stats) {
        return number(stats.emptyShare()) + "," + number(stats.meanBurst()) + ","
                + number(stats.nanosPerPacket());
    }

    private static String number(double value) {
        return Double.isNaN(value) ? "" : String.format(Locale.ROOT, "%.3f", value);
    }

    // RFC 4180: quotes around, and those inside twice.
    private static String quoted(String value) {
        return '"' + value.replace("\"", "\"\"") + '"';
    }

    @Override
    public String toString() {
        return text.toString();
    }
}
