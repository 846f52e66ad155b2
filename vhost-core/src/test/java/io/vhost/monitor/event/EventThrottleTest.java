package io.vhost.monitor.event;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** A requirement of the machine's language, by its number. */
class EventThrottleTest {
    @Test
    void q38OfSimilarEventsTheFirstAndTheLastComeThrough() {
        EventThrottle throttle = new EventThrottle();
        MonitorEvent[] events = new MonitorEvent[4];
        for (int i = 0; i < events.length; i++) {
            events[i] = new MonitorEvent("X", Map.of("i", i), "same");
        }
        assertTrue(throttle.passes(events[0], 0));
        assertFalse(throttle.passes(events[1], 1));
        assertFalse(throttle.passes(events[2], 2));
        assertTrue(throttle.passes(new MonitorEvent("X", Map.of(), "other"), 3));
        assertEquals(List.of(), throttle.due(EventThrottle.INTERVAL - 1));
        assertEquals(List.of(events[2]), throttle.due(EventThrottle.INTERVAL));
        assertFalse(throttle.passes(events[3], EventThrottle.INTERVAL + 1));
        assertEquals(List.of(), throttle.due(2 * EventThrottle.INTERVAL - 1), "one a second");
        assertEquals(List.of(events[3]), throttle.due(2 * EventThrottle.INTERVAL));
        assertEquals(List.of(), throttle.due(3 * EventThrottle.INTERVAL));
        assertTrue(throttle.isIdle());
    }
}
