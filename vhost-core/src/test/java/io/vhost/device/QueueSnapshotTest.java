package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.queue.ControlException;
import io.vhost.ring.RingFormat;
import io.vhost.state.QueueCounters.Counter;
import io.vhost.state.QueueSnapshot;
import io.vhost.state.RingElement;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A look at a queue from outside. */
@Timeout(60)
class QueueSnapshotTest extends AsyncFixture {
    @Test
    void theOldestCopyHasAnAgeAndAChannelAlsoAfterItsStallWasReported() throws ControlException {
        started(0);
        assertEquals("", queue(0).snapshot().dma());
        assertEquals(0, queue(0).snapshot().oldestNanos());
        guest.toGuest().accept(0, 2048);
        fill(0, 1, 60);
        engine.hold(true);
        assertEquals(1, queue(0).submitEnqueueBurst(packets, 0, 1, channel));
        while (counted(0, Counter.COPY_STALLS) == 0) {
            assertEquals(0, queue(0).pollEnqueueCompleted(done, 0, 1, channel));
        }
        QueueSnapshot stuck = queue(0).snapshot();
        assertEquals("test", stuck.dma());
        assertEquals(1, stuck.inFlight());
        assertTrue(stuck.oldestNanos() > 1_000_000, stuck::toString);
        engine.hold(false);
        assertEquals(1, queue(0).pollEnqueueCompleted(done, 0, 1, channel));
        done[0].release();
    }

    @Test
    void whatTheGuestOffersIsSeenWithoutBeingTaken() throws ControlException {
        VirtQueue queue = started(1);
        long offset = guest.fromGuest().send(new byte[HEADER + 60], HEADER, 60);
        RingElement next = queue.element(OptionalInt.empty());
        assertEquals(next, queue.element(OptionalInt.of(0)));
        assertEquals(2, next.descriptors().size());
        assertEquals(TestGuest.GUEST + offset, next.descriptors().getFirst().address());
        assertEquals(60, next.descriptors().getLast().length());
        // A packed ring has no index: there stands what the driver wants to hear of, which is nothing yet.
        assertEquals(format == RingFormat.SPLIT ? 1 : 0, next.availIdx());
        assertEquals(0, next.usedIdx());
        assertEquals(0, queue.snapshot().nextAvail());
        guest.control.stopRing(1);
        assertNull(queue.element(OptionalInt.empty()));
        assertEquals(0, guest.holds());
    }
}
