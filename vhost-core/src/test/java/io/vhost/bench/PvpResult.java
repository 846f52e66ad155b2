package io.vhost.bench;

import static io.vhost.bench.CoreDistance.Mode.BETWEEN;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/** Rounds in which two pairs were measured one right after the other, and what they tell together. */
final class PvpResult {
    /** One pair's window and where the CPUs were around it. */
    record Placed(PvpPair.Window window, CoreDistance.Mode before, CoreDistance.Mode after) {}

    /** Medians over the rounds of a mode: of A and B in packets a microsecond, and of the rounds' ratios. */
    record Medians(double a, double b, double ratio) {}

    private record Round(double a, double b) {
        double ratio() {
            return b / a;
        }
    }

    private final Map<CoreDistance.Mode, List<Round>> rounds = new EnumMap<>(CoreDistance.Mode.class);
    private int robbed;
    private int moved;

    /** Takes one round, if nothing happened in it that makes the two incomparable. */
    void add(Placed a, Placed b) {
        if (a.window.robbed() || b.window.robbed()) {
            robbed++;
        } else if (a.before == BETWEEN || EnumSet.of(a.before, a.after, b.before, b.after).size() > 1) {
            moved++;
        } else {
            rounds.computeIfAbsent(a.before, mode -> new ArrayList<>())
                    .add(new Round(a.window.megaPacketsPerSecond(), b.window.megaPacketsPerSecond()));
        }
    }

    /** A table, one line a mode. The ratio is the median of the rounds' ratios, with its quartiles. */
    String table() {
        StringBuilder text = new StringBuilder("mode   rounds    A Mpps    B Mpps    B/A   quartiles\n");
        rounds.forEach((mode, list) -> text.append(line(mode, list)));
        return text.append(String.format(
                "left out: %d rounds without the CPU for over %d ms, %d with CPUs that moved%n",
                robbed, PvpPair.DELAY_LIMIT / 1_000_000, moved)).toString();
    }

    /** What each mode's rounds tell, modes without a round left out. */
    Map<CoreDistance.Mode, Medians> medians() {
        Map<CoreDistance.Mode, Medians> medians = new EnumMap<>(CoreDistance.Mode.class);
        rounds.forEach((mode, list) -> medians.put(mode, new Medians(spread(list, Round::a).median(),
                spread(list, Round::b).median(), spread(list, Round::ratio).median())));
        return medians;
    }

    private static String line(CoreDistance.Mode mode, List<Round> list) {
        return String.format(Locale.ROOT, "%-6s %6d %9.2f %9.2f %6.2f   %.2f to %.2f%n",
                mode.name().toLowerCase(Locale.ROOT), list.size(),
                spread(list, Round::a).median(),
                spread(list, Round::b).median(),
                spread(list, Round::ratio).median(),
                spread(list, Round::ratio).lower(),
                spread(list, Round::ratio).upper());
    }

    private static Spread spread(List<Round> list, ToDoubleFunction<Round> value) {
        return Spread.of(list.stream().mapToDouble(value).toArray());
    }
}
