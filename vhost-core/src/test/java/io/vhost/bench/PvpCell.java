package io.vhost.bench;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/**
 * One cell of a table: instances of two pairs, both restarted for each, and what they tell together.
 * An instance is one sample, because restarts differ more than windows do.
 */
final class PvpCell {
    private static final double CONTROL_TOLERANCE = 0.03;

    private final Map<CoreDistance.Mode, List<PvpResult.Medians>> instances =
            new EnumMap<>(CoreDistance.Mode.class);

    /** Takes what the rounds of one instance tell. */
    void add(PvpResult instance) {
        instance.medians().forEach((mode, medians) ->
                instances.computeIfAbsent(mode, key -> new ArrayList<>()).add(medians));
    }

    /** A table, one line a mode: medians over instances, and the ratio's spread over them. */
    String table() {
        StringBuilder text = new StringBuilder(
                "mode   instances    A Mpps    B Mpps    B/A   quartiles      min to max\n");
        instances.forEach((mode, list) -> {
            Spread ratio = spread(list, PvpResult.Medians::ratio);
            text.append(String.format(Locale.ROOT,
                    "%-6s %9d %9.2f %9.2f %6.2f   %.2f to %.2f   %.2f to %.2f%n",
                    mode.name().toLowerCase(Locale.ROOT), list.size(),
                    spread(list, PvpResult.Medians::a).median(), spread(list, PvpResult.Medians::b).median(),
                    ratio.median(), ratio.lower(), ratio.upper(), ratio.min(), ratio.max()));
        });
        return text.toString();
    }

    /**
     * Whether a control, something compared with itself, allows to report the cell: its median ratio is
     * within 3 % of 1. Without an instance in that mode it does not.
     */
    boolean passesAsControl(CoreDistance.Mode mode) {
        List<PvpResult.Medians> list = instances.getOrDefault(mode, List.of());
        // Half a billionth, for bounds that have no exact binary form.
        return !list.isEmpty()
                && Math.abs(spread(list, PvpResult.Medians::ratio).median() - 1) <= CONTROL_TOLERANCE + 5e-10;
    }

    /** A line for each mode that this cell has and {@code controls} do not allow to report. */
    String objections(PvpCell... controls) {
        StringBuilder text = new StringBuilder();
        for (CoreDistance.Mode mode : instances.keySet()) {
            for (PvpCell control : controls) {
                if (!control.passesAsControl(mode)) {
                    text.append(mode.name().toLowerCase(Locale.ROOT))
                            .append(": NOT REPORTED, a control is missing or not within 3 % of 1\n");
                    break;
                }
            }
        }
        return text.toString();
    }

    private static Spread spread(List<PvpResult.Medians> list, ToDoubleFunction<PvpResult.Medians> value) {
        return Spread.of(list.stream().mapToDouble(value).toArray());
    }
}
