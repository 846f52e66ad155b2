package io.vhost.device;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import io.vhost.Pause;
import io.vhost.queue.QueueAccess;
import io.vhost.state.QueueCounters.Counter;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;

/** Changes of a queue's state by its connection, against the bursts of another thread. */
public final class QueueLifeStress {
    private QueueLifeStress() {}

    /**
     * The listener is told of a state under the lock, so whoever has the lock sees no half of a change. Twin:
     * {@link QueueLifeControl.APollerSeesAHalfChangedQueueWhenItIsChangedWithoutLock}.
     */
    @JCStressTest
    @Outcome(id = {"0, 0", "1, 1"}, expect = ACCEPTABLE, desc = "Before the change, or after it.")
    @Outcome(expect = FORBIDDEN, desc = "Half of it, or a queue that runs without the listener knowing.")
    @State
    public static class APollerNeverSeesAHalfChangedQueue {
        private final QueueFixture fixture = QueueFixture.stopped();

        /** A ring that is complete, and stopped. */
        public APollerNeverSeesAHalfChangedQueue() {
            fixture.window[0].newRing();
            fixture.window[0].offer();
        }

        @Actor
        public void connection() {
            fixture.start(0);
        }

        @Actor
        public void poller(II_Result r) {
            // Again and again, since starting takes much longer than looking.
            for (int i = 0; i < 50 && r.r1 == 0 && r.r2 == 0; i++) {
                fixture.queue.access_lock.lock();
                try {
                    r.r1 = fixture.queue.isRunning() ? 1 : 0;
                    r.r2 = fixture.reports.isTorn() ? -1 : fixture.reports.isRunning() ? 1 : 0;
                } finally {
                    fixture.queue.access_lock.unlock();
                }
            }
        }

        @Arbiter
        public void end(II_Result r) {
            fixture.giveBack();
        }
    }

    /**
     * The packets of a burst and their used elements are in one window, the old or the new one. Twin:
     * {@link QueueLifeControl.ABurstMixesTwoMemoryTablesWithoutLock}.
     */
    @JCStressTest
    @Outcome(id = "0, 0, 0", expect = ACCEPTABLE, desc = "The queue stood still.")
    @Outcome(id = {"1, 1, 1", "1, 2, 2"}, expect = ACCEPTABLE, desc = "All in one window.")
    @Outcome(expect = FORBIDDEN, desc = "The ring of one table and the buffers of another.")
    @State
    public static class ABurstNeverMixesTwoMemoryTables {
        private final QueueFixture fixture = QueueFixture.swapping();

        @Actor
        public void swap() {
            fixture.start(1);
        }

        @Actor
        public void burst(III_Result r) {
            r.r1 = fixture.queue.enqueueBurst(fixture.packets, 0, 1);
        }

        @Arbiter
        public void end(III_Result r) {
            r.r2 = fixture.window[0].used() + 2 * fixture.window[1].used();
            r.r3 = fixture.window[0].arrivals() + 2 * fixture.window[1].arrivals();
            fixture.giveBack();
        }
    }

    /**
     * When the swap has returned, nothing is written to the old window any more. Twin:
     * {@link QueueLifeControl.ARetiredWindowIsWrittenWithoutLock}.
     */
    @JCStressTest
    @Outcome(id = "0", expect = ACCEPTABLE, desc = "The window is as the swap left it.")
    @Outcome(expect = FORBIDDEN, desc = "It was written after the swap.")
    @State
    public static class ARetiredWindowIsNeverWritten {
        private final QueueFixture fixture = QueueFixture.swapping();
        private int retired;

        @Actor
        public void swap() {
            fixture.start(1);
            retired = fixture.window[0].fingerprint();
        }

        @Actor
        public void burst() {
            fixture.queue.enqueueBurst(fixture.packets, 0, 1);
            fixture.queue.enqueueBurst(fixture.packets, 1, 1);
        }

        @Arbiter
        public void end(I_Result r) {
            r.r1 = fixture.window[0].fingerprint() - retired;
            fixture.giveBack();
        }
    }

    /**
     * When a stop has returned, no burst moves anything any more, nor meets a queue without a ring. Twin:
     * {@link QueueLifeControl.ABurstMeetsNoRingWithTheCheckBeforeTheLock}.
     */
    @JCStressTest
    @Outcome(id = {"0, 0", "0, 2"}, expect = ACCEPTABLE, desc = "The window is as the stop left it.")
    @Outcome(expect = FORBIDDEN, desc = "It was written after the stop.")
    @State
    public static class AStoppedRingIsNeverWritten {
        private final QueueFixture fixture = QueueFixture.swapping();
        private int stopped;

        @Actor
        public void stop() {
            QueueAccess.control(fixture.queue).stop();
            stopped = fixture.window[0].fingerprint();
        }

        @Actor
        public void burst(II_Result r) {
            r.r2 = fixture.queue.enqueueBurst(fixture.packets, 0, 2);
        }

        @Arbiter
        public void end(II_Result r) {
            r.r1 = fixture.window[0].fingerprint() - stopped;
            fixture.giveBack();
        }
    }

    /**
     * The same of a burst from the guest, which does not wait for the lock. Twin:
     * {@link QueueLifeControl.ADequeueMeetsNoRingWithTheCheckBeforeTheLock}.
     */
    @JCStressTest
    @Outcome(id = {"0, 0", "0, 2"}, expect = ACCEPTABLE, desc = "The window is as the stop left it.")
    @Outcome(expect = FORBIDDEN, desc = "It was written after the stop.")
    @State
    public static class AStoppedRingIsNeverTakenFrom {
        private final SendingFixture fixture = SendingFixture.running();
        private int stopped;

        @Actor
        public void stop() {
            QueueAccess.control(fixture.queue).stop();
            stopped = fixture.window.fingerprint();
        }

        @Actor
        public void burst(II_Result r) {
            r.r2 = fixture.take();
        }

        @Arbiter
        public void end(II_Result r) {
            r.r1 = fixture.window.fingerprint() - stopped;
            fixture.giveBack();
        }
    }

    /**
     * A burst that waits for the lock sleeps now and then, long enough for a stop to begin and end: it looks
     * again under the lock. A burst that finds the lock free does the same, for the one instruction between
     * its look and the lock, which no test meets but by chance. Twin:
     * {@link QueueLifeControl.ABurstMeetsNoRingWithTheCheckBeforeTheLock}.
     */
    @JCStressTest
    @Outcome(id = {"0, 0", "0, 2"}, expect = ACCEPTABLE, desc = "The window is as the stop left it.")
    @Outcome(expect = FORBIDDEN, desc = "It was written after the stop.")
    @State
    public static class ABurstThatHasWaitedLooksAgain {
        private final QueueFixture fixture = QueueFixture.swapping();
        private final long waits = fixture.counted(Counter.BUSY);
        private int stopped;

        @Actor
        public void stop() {
            fixture.queue.access_lock.lock();
            try {
                Pause.spinUntil(() -> fixture.counted(Counter.BUSY) > waits);
                QueueAccess.control(fixture.queue).stop();
                stopped = fixture.window[0].fingerprint();
            } finally {
                fixture.queue.access_lock.unlock();
            }
        }

        @Actor
        public void burst(II_Result r) {
            r.r2 = fixture.queue.enqueueBurst(fixture.packets, 0, 2);
        }

        @Arbiter
        public void end(II_Result r) {
            r.r1 = fixture.window[0].fingerprint() - stopped;
            fixture.giveBack();
        }
    }

    /**
     * A swap with copies in flight: it waits for them, and the packets come back all the same. Twin:
     * {@link QueueLifeControl.ARetiredWindowIsCopiedToWhenTheSwapDoesNotWait}.
     */
    @JCStressTest
    @Outcome(id = "0, 3", expect = ACCEPTABLE,
            desc = "The window is as the swap left it, and both packets came back.")
    @Outcome(expect = FORBIDDEN, desc = "A copy was made after the swap, or a packet was lost.")
    @State
    public static class ARetiredWindowIsNeverCopiedTo {
        private final QueueFixture fixture = QueueFixture.swapping();
        private int retired;

        /** Submits two packets. */
        public ARetiredWindowIsNeverCopiedTo() {
            fixture.queue.registerAsync();
            fixture.submit(0, 2);
        }

        @Actor
        public void swap() {
            fixture.start(1);
            retired = fixture.window[0].fingerprint();
        }

        @Actor
        public void poll(II_Result r) {
            r.r2 = fixture.poll(2);
        }

        @Arbiter
        public void end(II_Result r) {
            r.r1 = fixture.window[0].fingerprint() - retired;
            r.r2 += fixture.clear(2);
            fixture.giveBack();
        }
    }
}
