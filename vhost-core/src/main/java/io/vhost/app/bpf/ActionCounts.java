package io.vhost.app.bpf;

import io.vhost.bpf.run.Abort;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** What programs answer, in words, and how often each came. Thread: one. */
final class ActionCounts {
    private static final List<String> XDP = List.of("ABORTED", "DROP", "PASS", "TX", "REDIRECT");
    private static final List<String> TC = List.of("OK", "RECLASSIFY", "SHOT", "PIPE", "STOLEN", "QUEUED",
            "REPEAT", "REDIRECT", "TRAP");
    private static final int TC_UNSPEC = -1;

    private final boolean tc;
    private final Map<String, Long> counts = new TreeMap<>();

    /** For programs of tc, or of XDP. */
    ActionCounts(boolean tc) {
        this.tc = tc;
    }

    /** The word for an answer. */
    String name(int action) {
        List<String> names = tc ? TC : XDP;
        if (tc && action == TC_UNSPEC) {
            return "UNSPEC";
        }
        return action >= 0 && action < names.size() ? names.get(action)
                : "UNKNOWN " + Integer.toUnsignedString(action);
    }

    /** Whether a packet with this answer goes on its way. */
    boolean goesOn(int action, Abort abort) {
        if (abort != Abort.NONE) {
            return false;
        }
        return switch (name(action)) {
            case "PASS", "TX", "REDIRECT", "OK", "RECLASSIFY", "PIPE", "UNSPEC" -> true;
            default -> false;
        };
    }

    void count(String name, long times) {
        counts.merge(name, times, Long::sum);
    }

    /** All of them: {@code 3 DROP, 4 PASS}. */
    @Override
    public String toString() {
        return counts.entrySet().stream().map(count -> count.getValue() + " " + count.getKey())
                .collect(Collectors.joining(", "));
    }
}
