package io.vhost.queue;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.os.Descriptor;
import io.vhost.os.EventFd;
import io.vhost.os.Poll;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SignalsTest {
    /** What a signal takes at present, in ns. */
    private volatile long takes;
    private final AtomicLong now = new AtomicLong();
    private final SignalWorker worker = new SignalWorker("signals test");
    private final Signals signals = new Signals(worker, () -> now.addAndGet(takes));

    @AfterEach
    void theWorkerEnds() {
        worker.close();
    }

    private void signal(EventFd call, long nanos) {
        takes = nanos;
        assertTrue(signals.signal(call));
    }

    @Test
    void aSlowSignalNowAndThenChangesNothing() {
        try (EventFd call = EventFd.create()) {
            for (int round = 0; round < 10; round++) {
                for (int i = 1; i < Signals.MOST_SLOW; i++) {
                    signal(call, DeferredSignal.SLOW);
                }
                for (int i = 0; i < (Signals.MOST_SLOW - 1) * Signals.WEIGHT; i++) {
                    signal(call, DeferredSignal.SLOW - 1);
                }
                assertFalse(signals.areDeferred());
            }
            assertEquals(10 * (Signals.MOST_SLOW - 1) * (1 + Signals.WEIGHT), call.drain());
        }
    }

    /** Fast signals in between do not hide the slow ones. */
    @Test
    void anotherThreadSignalsForAQueueThatIsSlowAgainAndAgain() {
        int before = Descriptor.openDescriptors();
        try (EventFd call = EventFd.create(); EventFd next = EventFd.create()) {
            signal(call, DeferredSignal.SLOW);
            for (int i = 0; i < Signals.WEIGHT; i++) {
                signal(call, 0);
            }
            for (int i = 1; i < Signals.MOST_SLOW; i++) {
                signal(call, DeferredSignal.SLOW);
            }
            assertFalse(signals.areDeferred(), "made up for");
            signal(call, 0);
            signal(call, DeferredSignal.SLOW);
            assertFalse(signals.areDeferred());
            signal(call, DeferredSignal.SLOW);
            assertTrue(signals.areDeferred());
            call.drain();
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

    @Test
    void aQueueThatIsFastAgainIsSignalledAtOnceAgain() {
        try (EventFd call = EventFd.create()) {
            for (int i = 0; i < Signals.MOST_SLOW; i++) {
                signal(call, DeferredSignal.SLOW);
            }
            call.drain();
            for (int i = 1; i < DeferredSignal.FAST_AGAIN; i++) {
                assertArrives(call);
            }
            assertTrue(signals.areDeferred());
            while (signals.areDeferred()) {
                assertArrives(call);
            }
            signal(call, 0);
            assertEquals(1, call.drain());
        }
    }

    /** Where threads are limited, as in a container, an interrupt is late rather than an error in a burst. */
    @Test
    void withoutAThreadSignalsStayWhereTheyAre() {
        SignalWorker none = new SignalWorker("none", _ -> {
            throw new OutOfMemoryError("unable to create native thread");
        });
        Signals direct = new Signals(none, () -> now.addAndGet(Signals.WEIGHT * DeferredSignal.SLOW));
        int before = Descriptor.openDescriptors();
        try (EventFd call = EventFd.create()) {
            for (int i = 0; i < 2 * Signals.MOST_SLOW; i++) {
                assertTrue(direct.signal(call));
                assertEquals(1, call.drain());
                assertFalse(direct.areDeferred());
            }
            assertEquals(before + 1, Descriptor.openDescriptors());
        }
        none.close();
    }

    private void assertArrives(EventFd call) {
        signal(call, 0);
        new Poll(call.descriptor()).await(Poll.FOREVER);
        assertEquals(1, call.drain());
    }

    /** Kicks that take the kernel long to take are waited for no more. */
    @Test
    void aSlowKickIsNoLongerSleptOn() {
        try (EventFd kick = EventFd.create();
                KickSource source = new KickSource(() -> now.addAndGet(takes))) {
            source.follow(kick);
            takes = KickSource.SLOW;
            for (int i = 1; i < KickSource.MOST_SLOW; i++) {
                source.drain();
                assertTrue(source.isOfUse(i));
            }
            takes = KickSource.SLOW - 1;
            source.drain();
            assertTrue(source.isOfUse(100));
            takes = KickSource.SLOW;
            source.drain();
            assertTrue(source.isOfUse(101));
            source.drain();
            assertFalse(source.isOfUse(102));
            takes = 0;
            source.drain();
            assertFalse(source.isOfUse(103));
        }
    }
}
