package io.vhost.queue;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.os.Descriptor;
import io.vhost.os.EventFd;
import io.vhost.os.Poll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SignalsTest {
    /** What a signal takes at present, in ns. */
    private long takes;
    private long now;
    private final Signals signals = new Signals(() -> now += takes);

    private void signal(EventFd call, long nanos) {
        takes = nanos;
        assertTrue(signals.signal(call));
    }

    @Test
    void aSlowSignalNowAndThenChangesNothing() {
        try (EventFd call = EventFd.create()) {
            for (int round = 0; round < 3; round++) {
                for (int i = 1; i < Signals.MOST_SLOW; i++) {
                    signal(call, Signals.SLOW);
                }
                signal(call, Signals.SLOW - 1);
            }
            assertFalse(signals.areDeferred());
            assertEquals(3 * Signals.MOST_SLOW, call.drain());
        }
    }

    @Test
    void anotherThreadSignalsForAQueueThatIsSlowAgainAndAgain() {
        int before = Descriptor.openDescriptors();
        try (EventFd call = EventFd.create(); EventFd next = EventFd.create()) {
            for (int i = 1; i < Signals.MOST_SLOW; i++) {
                signal(call, Signals.SLOW);
            }
            assertFalse(signals.areDeferred());
            signal(call, Signals.SLOW);
            assertTrue(signals.areDeferred());
            assertEquals(Signals.MOST_SLOW, call.drain());
            assertArrives(call);
            assertArrives(call);
            signals.follow(next);
            assertTrue(signals.areDeferred(), "a new eventfd makes no fast guest");
            assertArrives(next);
            assertEquals(0, call.drain());
            signals.follow(null);
            assertFalse(signals.areDeferred());
        }
        while (Descriptor.openDescriptors() > before) {
            Thread.onSpinWait();
        }
    }

    private void assertArrives(EventFd call) {
        signal(call, 0);
        new Poll(call.descriptor()).await(Poll.FOREVER);
        assertEquals(1, call.drain());
    }
}
