package io.vhost.queue;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.limit.account.SlowPeers;
import io.vhost.os.Descriptor;
import io.vhost.os.EventFd;
import io.vhost.os.Poll;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SignalsTest {
    /** What a signal takes at present, in ns. */
    private volatile long takes;
    private final AtomicLong now = new AtomicLong();
    private final AtomicLong minutes = new AtomicLong();
    private final SlowPeers peers = new SlowPeers(minutes::get);
    private final SignalWorker worker = new SignalWorker("signals test", peers);
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
            signal(call, DeferredSignal.SLOW);
            assertEquals(1, call.drain(), "at once");
            assertTrue(signals.areDeferred(), "and it is known");
        }
    }

    /** Whoever connects again, and whoever else connects to that socket for a while. */
    @Test
    void whatWasSlowIsRememberedForTheNextConnection() {
        minutes.set(Long.MAX_VALUE - 5);
        try (EventFd call = EventFd.create()) {
            for (int i = 0; i < Signals.MOST_SLOW; i++) {
                assertFalse(peers.wereSlow());
                signal(call, DeferredSignal.SLOW);
            }
            assertTrue(peers.wereSlow());
            SignalWorker other = new SignalWorker("signals test 2", peers);
            Signals next = new Signals(other, () -> now.addAndGet(takes));
            next.follow(call);
            assertTrue(next.areDeferred());
            next.follow(null);
            other.close();
            minutes.addAndGet(SlowPeers.MEMORY - 1);
            assertTrue(peers.wereSlow());
            minutes.addAndGet(1);
            assertFalse(peers.wereSlow());
            Signals later = new Signals(new SignalWorker("none", peers), () -> now.addAndGet(takes));
            later.follow(call);
            assertFalse(later.areDeferred());
            signals.follow(null);
        }
    }

    /** Both come while the thread is still at the signal before. */
    @Test
    void aSignalThatIsAskedForBeforeTheEndIsMadeAndTheThreadGoesOn() throws InterruptedException {
        try (EventFd call = EventFd.create()) {
            AtomicReference<DeferredSignal> deferred = new AtomicReference<>();
            AtomicBoolean meanwhile = new AtomicBoolean();
            deferred.set(new DeferredSignal(EventFd.adopt(call.descriptor().duplicate()), worker, () -> {
                if (meanwhile.compareAndSet(false, true)) {
                    deferred.get().request();
                    deferred.get().close();
                }
                return 0;
            }));
            deferred.get().request();
            assertTrue(worker.begin());
            CountDownLatch after = new CountDownLatch(1);
            worker.add(() -> worker.add(after::countDown));
            assertTrue(after.await(60, TimeUnit.SECONDS), "the thread has ended");
            assertEquals(2, call.drain());
        }
    }

    /** Where threads are limited, as in a container, an interrupt is late rather than an error in a burst. */
    @Test
    void withoutAThreadSignalsStayWhereTheyAre() {
        SignalWorker none = new SignalWorker("none", new SlowPeers(), _ -> {
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

    private void drain(KickSource source, long nanos, int times) {
        takes = nanos;
        for (int i = 0; i < times; i++) {
            source.drain();
        }
    }

    /** Kicks that take the kernel long to take are waited for no more, whatever comes in between. */
    @Test
    void aSlowKickIsNoLongerSleptOn() {
        try (EventFd kick = EventFd.create();
                KickSource source = new KickSource(() -> now.addAndGet(takes))) {
            source.follow(kick);
            drain(source, KickSource.SLOW, KickSource.MOST_SLOW - 1);
            assertTrue(source.isOfUse(1));
            drain(source, KickSource.SLOW - 1, KickSource.WEIGHT);
            drain(source, KickSource.SLOW, 1);
            assertTrue(source.isOfUse(2), "one is made up for");
            drain(source, 0, KickSource.WEIGHT - 1);
            drain(source, KickSource.SLOW, 1);
            assertTrue(source.isOfUse(3));
            drain(source, KickSource.SLOW, 1);
            assertFalse(source.isOfUse(4));
            drain(source, 0, 100 * KickSource.WEIGHT);
            assertFalse(source.isOfUse(5), "for good");
        }
    }

    @Test
    void slowAndFastKicksInTurnAreTooMany() {
        try (EventFd kick = EventFd.create();
                KickSource source = new KickSource(() -> now.addAndGet(takes))) {
            source.follow(kick);
            for (int i = 0; i <= KickSource.MOST_SLOW; i++) {
                drain(source, KickSource.SLOW, 1);
                drain(source, 0, 10);
            }
            assertFalse(source.isOfUse(1));
        }
    }
}
