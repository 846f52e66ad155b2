package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.dma.DmaChannel;
import io.vhost.net.Packet;
import io.vhost.queue.ControlException;
import io.vhost.state.QueueCounters.Counter;
import io.vhost.testing.FaultyDmaEngine;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** The way out of asynchronous copies: bounded, whatever the engine does. */
class AsyncDrainTest extends AsyncFixture {
    private static final Duration FOREVER = Duration.ofDays(1);

    private final List<Packet> back = new ArrayList<>();

    private VirtQueue submitted(int count) throws ControlException {
        VirtQueue queue = started(0);
        engine.hold(true);
        submit(queue, 0, count, channel);
        return queue;
    }

    private void submit(VirtQueue queue, int from, int count, DmaChannel by) {
        for (int i = from; i < from + count; i++) {
            guest.toGuest().accept(i, 600);
        }
        fill(from, count, 100);
        assertEquals(count, queue.submitEnqueueBurst(packets, from, count, by));
    }

    private void assertBack(int count) {
        assertEquals(count, back.size());
        for (int i = 0; i < count; i++) {
            assertSame(packets[i], back.get(i));
            back.get(i).release();
        }
    }

    @Test
    void oneLookGivesBackWhatHasEndedAndSaysWhatIsLeft() throws ControlException {
        VirtQueue queue = submitted(3);
        assertEquals(3, queue.drain(back::add, Duration.ZERO));
        assertEquals(List.of(), back);
        engine.hold(false);
        assertEquals(0, queue.drain(back::add, Duration.ZERO));
        assertFalse(back.getLast().isUndelivered());
        queue.unregisterAsync();
        assertEquals(0, queue.drain(back::add, FOREVER), "of a queue that is not registered");
        assertBack(3);
    }

    @Test
    void anEngineThatNeverCompletesEndsTheWaitWithWhatIsLeft() throws ControlException {
        VirtQueue queue = submitted(3);
        assertEquals(3, queue.drain(back::add, Duration.ofMillis(20)));
        engine.hold(false);
        assertEquals(0, queue.drain(back::add, Duration.ZERO));
        assertBack(3);
    }

    @Test
    void theWaitEndsWithTheLastCopyAndOthersGetTheLockMeanwhile() throws Exception {
        VirtQueue queue = submitted(2);
        FutureTask<Integer> drain = new FutureTask<>(() -> queue.drain(back::add, FOREVER));
        Thread.ofPlatform().start(drain);
        for (int i = 0; i < 10; i++) {
            assertEquals(2, queue.getInflight());
        }
        engine.hold(false);
        assertEquals(0, drain.get(60, TimeUnit.SECONDS));
        assertBack(2);
    }

    @Test
    void anInterruptEndsTheWaitAndStays() throws Exception {
        VirtQueue queue = submitted(1);
        FutureTask<Boolean> drain = new FutureTask<>(
                () -> queue.drain(back::add, FOREVER) == 1 && Thread.currentThread().isInterrupted());
        Thread.ofPlatform().start(drain).interrupt();
        assertTrue(drain.get(60, TimeUnit.SECONDS));
        engine.hold(false);
        assertEquals(0, queue.drain(back::add, Duration.ZERO));
        assertBack(1);
    }

    /** Whichever channel is late: the packets come back in the order of their submission. */
    @Test
    void packetsOfSeveralChannelsComeBackInOneCall() throws ControlException {
        VirtQueue queue = submitted(2);
        FaultyDmaEngine secondEngine = FaultyDmaEngine.seeded(2).build();
        submit(queue, 2, 2, registry.configure("second", secondEngine));
        submit(queue, 4, 2, channel);
        assertEquals(6, queue.drain(back::add, Duration.ZERO), "those before are under way");
        engine.hold(false);
        assertEquals(0, queue.drain(back::add, Duration.ZERO));
        assertBack(6);
    }

    @Test
    void aReceiverThatThrowsHasOnePacketAndTheOthersComeWithTheNextCall() throws ControlException {
        VirtQueue queue = submitted(3);
        engine.hold(false);
        Consumer<Packet> picky = packet -> {
            back.add(packet);
            throw new IllegalStateException("no more");
        };
        assertThrows(IllegalStateException.class, () -> queue.drain(picky, FOREVER));
        assertEquals(2, queue.getInflight());
        assertFalse(queue.access_lock.isLocked());
        assertEquals(0, queue.drain(back::add, FOREVER));
        assertBack(3);
    }

    /** What arrived is handed over; what did not is put back into the pool, as bursts do. */
    @Test
    void packetsFromTheGuestAreDrainedToo() throws ControlException {
        started(0);
        VirtQueue queue = queue(1);
        queue.registerAsync();
        engine.hold(true);
        guest.fromGuest().send(new byte[HEADER + 100], HEADER + 100);
        assertEquals(0, queue.tryDequeueBurst(pool, done, 0, 4, channel));
        assertEquals(1, queue.drain(back::add, Duration.ZERO));
        engine.hold(false);
        assertEquals(0, queue.drain(back::add, Duration.ZERO));
        assertEquals(100, back.getFirst().length());
        back.getFirst().release();
    }

    @Test
    void theUnsafeFormNeedsTheLock() throws ControlException {
        VirtQueue queue = submitted(1);
        String text = unsafe(queue);
        assertEquals("(test-guest) queue 0: drainThreadUnsafe() called without access lock taken, which"
                + " nobody holds; call it inside access_lock.lock() and unlock(), or call drain(), which"
                + " takes it", text);
        assertEquals(1, queue.counters().get(Counter.LOCK_MISUSE));
        assertEquals(1, queue.getInflight());
        queue.access_lock.lock();
        try {
            assertEquals(1, queue.drainThreadUnsafe(back::add, Duration.ofMillis(1)));
            engine.hold(false);
            assertEquals(0, queue.drainThreadUnsafe(back::add, Duration.ZERO));
            assertEquals(1, queue.access_lock.getHoldCount());
            assertEquals(0, queue.counters().get(Counter.REENTRANT_CALLS));
            assertEquals(0, queue.drain(back::add, Duration.ofMillis(1)));
            assertEquals(1, queue.counters().get(Counter.REENTRANT_CALLS));
        } finally {
            queue.access_lock.unlock();
        }
        assertBack(1);
    }

    @SuppressWarnings("GuardedBy") // This is the mistake.
    private String unsafe(VirtQueue queue) {
        return assertThrows(IllegalMonitorStateException.class,
                () -> queue.drainThreadUnsafe(back::add, Duration.ZERO)).getMessage();
    }
}
