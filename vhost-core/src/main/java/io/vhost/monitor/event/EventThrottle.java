package io.vhost.monitor.event;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/**
 * Holds similar events back: the first goes out at once, then one a second at most. Of those held back the
 * last one is kept.
 *
 * <p>Thread: the monitor's. Times are those of {@link System#nanoTime}.
 */
public final class EventThrottle {
    static final long INTERVAL = 1_000_000_000;

    private static final class Kept {
        private long notBefore;
        private MonitorEvent event;
    }

    private final Map<String, Kept> keys = new HashMap<>();

    /** Whether the event may go out now; otherwise it is kept. */
    public boolean passes(MonitorEvent event, long now) {
        if (event.similar() == null) {
            return true;
        }
        Kept kept = keys.get(event.name() + ' ' + event.similar());
        if (kept == null) {
            kept = new Kept();
            kept.notBefore = now + INTERVAL;
            keys.put(event.name() + ' ' + event.similar(), kept);
            return true;
        }
        kept.event = event;
        return false;
    }

    /** The events whose time has come. */
    public List<MonitorEvent> due(long now) {
        List<MonitorEvent> due = new ArrayList<>();
        for (Iterator<Kept> each = keys.values().iterator(); each.hasNext();) {
            Kept kept = each.next();
            if (now - kept.notBefore < 0) {
                continue;
            }
            if (kept.event == null) {
                each.remove();
            } else {
                due.add(kept.event);
                kept.event = null;
                kept.notBefore = now + INTERVAL;
            }
        }
        return due;
    }

    /** Whether any time is still to come. */
    public boolean isIdle() {
        return keys.isEmpty();
    }
}
