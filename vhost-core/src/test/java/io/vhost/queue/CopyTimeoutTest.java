package io.vhost.queue;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.dma.DmaRegistry;
import io.vhost.dma.ManualClock;
import io.vhost.dma.channel.ChannelAccess;
import io.vhost.dma.channel.CopyChannel;
import io.vhost.dma.engine.CopySink;
import io.vhost.dma.engine.DmaEngine;
import io.vhost.state.QueueCounters.Counter;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** When exactly a copy is late. */
class CopyTimeoutTest {
    private static final long TIMEOUT = 100_000_000;
    private static final long STALL = 10_000_000;
    /** Short enough for a watch to go on. */
    private static final long LOOK = 20_000_000;

    private final ManualClock clock = new ManualClock();
    private final DmaRegistry registry = clock.registry();
    private final CopyChannel channel =
            ChannelAccess.channel(registry.configureReplaceable("a", Held::new));
    private final QueueTally counters = new QueueTally();
    private final CopyTracker<String> tracker = new CopyTracker<>("queue", counters,
            new QueueEvents("device", 0),
            new CopyLimits(0, Duration.ofNanos(STALL), Duration.ofNanos(TIMEOUT)), 8, clock);
    private final MemorySegment memory = Arena.ofAuto().allocate(128);

    /** Makes no copy, and hands over all that it was given. */
    private static final class Held implements DmaEngine {
        private final List<Consumer<CopySink>> copies = new ArrayList<>();

        @Override
        public int depth() {
            return 4;
        }

        @Override
        public int capacity() {
            return depth() - copies.size();
        }

        @Override
        public void copy(MemorySegment source, long sourceOffset,
                MemorySegment target, long targetOffset, int length, int token) {
            copies.add(rest -> rest.copy(source, sourceOffset, target, targetOffset, length, token));
        }

        @Override
        public void submit() {}

        @Override
        public int completed(int[] tokens, int offset, int count) {
            return 0;
        }

        @Override
        public void handOver(CopySink rest) {
            copies.forEach(copy -> copy.accept(rest));
            copies.clear();
        }

        @Override
        public void close() {}
    }

    private void submit() {
        CopyChannel by = channel;
        by.lock.lock();
        try {
            by.retain(1);
            CopySlots<String> slots = tracker.slots();
            int slot = slots.open("item", 1, by, clock.getAsLong());
            assertTrue(by.capacity() > 0);
            slots.copy(by, false, memory, 0, memory, 64, 64, slot);
            by.submit();
        } finally {
            by.lock.unlock();
        }
    }

    /** Moves the clock on, and looks often enough on the way and at the end. */
    private void lookFor(long nanos) {
        long left = nanos;
        while (left > 0) {
            long step = Math.min(LOOK, left);
            clock.advance(step);
            left -= step;
            tracker.harvest(channel, null);
        }
    }

    private void assertReplacedIn(long nanos) {
        int before = channel.replacements();
        lookFor(nanos - 1);
        assertEquals(before, channel.replacements(), "one before");
        lookFor(1);
        assertEquals(before, channel.replacements(), "at the time");
        lookFor(1);
        assertEquals(before + 1, channel.replacements(), "one behind");
    }

    @AfterEach
    void itemsComeBackUndelivered() {
        channel.expire(tracker.slots(), -1, new TimeoutException("the end"));
        tracker.harvest(channel, null);
        while (tracker.slots().hasClosed()) {
            assertTrue(tracker.slots().isUndelivered(tracker.slots().oldest()));
            tracker.slots().empty();
        }
        tracker.slots().settle();
        assertEquals(0, tracker.inFlight());
        registry.close();
    }

    /** Looked for since half of the time had passed, the first look at 60 ms. */
    @Test
    void aCopyIsLateWhenItHasBeenWaitedForLongerThanTheTimeout() {
        submit();
        lookFor(3 * LOOK);
        assertReplacedIn(TIMEOUT);
        assertEquals(1, tracker.slots().copying(), "nobody was seen: the next engine has the copy");
    }

    /** Waiting begins when the copy was submitted, not when somebody came to look. */
    @Test
    void whoHasNotLookedHasNotWaited() {
        submit();
        clock.advance(10 * TIMEOUT);
        tracker.harvest(channel, null);
        assertEquals(0, channel.replacements());
        assertReplacedIn(TIMEOUT);
    }

    @Test
    void aPauseOfTheProcessBeginsTheWaitAnew() {
        submit();
        lookFor(TIMEOUT);
        clock.advance(25_000_001);
        tracker.harvest(channel, null);
        assertReplacedIn(TIMEOUT);
    }

    @Test
    void aNewEngineHasItsTimeToo() {
        submit();
        lookFor(TIMEOUT);
        channel.expire(null, -1, new TimeoutException("somebody else"));
        assertEquals(1, channel.replacements());
        assertReplacedIn(TIMEOUT);
    }

    @Test
    void aStallIsReportedOnceAndNotBeforeItsTime() {
        submit();
        lookFor(STALL);
        assertEquals(0, counters.get(Counter.COPY_STALLS));
        lookFor(1);
        assertEquals(1, counters.get(Counter.COPY_STALLS));
        lookFor(2 * STALL);
        assertEquals(1, counters.get(Counter.COPY_STALLS));
        lookFor(2 * TIMEOUT);
    }
}
