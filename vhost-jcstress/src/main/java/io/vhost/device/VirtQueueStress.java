package io.vhost.device;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;

/** Control calls and bursts on one queue, by two threads. */
public final class VirtQueueStress {
    private VirtQueueStress() {}

    /** Of two registrations one is made, the other refused. */
    @JCStressTest
    @Outcome(id = {"1, 2, 1", "2, 1, 1"}, expect = ACCEPTABLE, desc = "Registered by one of them.")
    @Outcome(expect = FORBIDDEN, desc = "Both have registered, or neither.")
    @State
    public static class ExactlyOneOfTwoRegistersWins {
        private final QueueFixture fixture = QueueFixture.running();

        @Actor
        public void one(III_Result r) {
            r.r1 = Outcomes.of(fixture.queue, VirtQueue::registerAsync);
        }

        @Actor
        public void other(III_Result r) {
            r.r2 = Outcomes.of(fixture.queue, VirtQueue::registerAsync);
        }

        @Arbiter
        public void end(III_Result r) {
            r.r3 = fixture.queue.isAsyncRegistered() ? 1 : 0;
            fixture.returnRunning();
        }
    }

    /** Unregistering is refused once a packet is accepted; once it is done, none is accepted. */
    @JCStressTest
    @Outcome(id = "1, 2, 1", expect = ACCEPTABLE, desc = "Accepted, so still registered with the packet in flight.")
    @Outcome(id = "-1, 1, -1", expect = ACCEPTABLE, desc = "Unregistered, so nothing was accepted.")
    @Outcome(expect = FORBIDDEN, desc = "An accepted packet was lost, or its copies were left without an owner.")
    @State
    public static class UnregisterNeverFreesWhatASubmitAccepted {
        private final QueueFixture fixture = QueueFixture.registered();

        @Actor
        public void submit(III_Result r) {
            try {
                r.r1 = fixture.submit(0, 1);
            } catch (IllegalStateException e) {
                r.r1 = -1;
            }
        }

        @Actor
        public void unregister(III_Result r) {
            r.r2 = Outcomes.of(fixture.queue, VirtQueue::unregisterAsync);
        }

        @Arbiter
        public void end(III_Result r) {
            if (fixture.queue.isAsyncRegistered()) {
                r.r3 = fixture.queue.getInflight();
            } else {
                r.r3 = -1;
                fixture.queue.registerAsync();
            }
            fixture.returnRegistered();
        }
    }

    /** Packets in flight, asked for while they are submitted and polled again and again. */
    @JCStressTest
    @Outcome(id = "0|1|2", expect = ACCEPTABLE, desc = "0 to the ring's size.")
    @Outcome(expect = FORBIDDEN, desc = "Negative, or more than the ring holds.")
    @State
    public static class InflightIsNeverNegativeNorAboveTheRing {
        private final QueueFixture fixture = QueueFixture.registered();

        @Actor
        public void traffic() {
            fixture.submit(0, 1);
            fixture.clear(1);
            fixture.submit(0, 1);
            fixture.clear(1);
        }

        @Actor
        public void ask(I_Result r) {
            r.r1 = fixture.queue.getInflight();
        }

        @Arbiter
        public void end(I_Result r) {
            fixture.returnRegistered();
        }
    }

    /** Packets that one thread polls and another clears. A poll that finds the lock taken returns nothing. */
    @JCStressTest
    @Outcome(id = {"1, 2, 0", "2, 1, 0", "0, 1, 2"}, expect = ACCEPTABLE, desc = "Each packet once, the oldest first.")
    @Outcome(expect = FORBIDDEN, desc = "A packet was given back twice, or lost, or before an older one.")
    @State
    public static class ClearAndPollGiveEachPacketBackOnce {
        private final QueueFixture fixture = QueueFixture.registered();

        /** Submits two packets. */
        public ClearAndPollGiveEachPacketBackOnce() {
            fixture.submit(0, 2);
        }

        @Actor
        public void poll(III_Result r) {
            r.r1 = fixture.poll(1);
        }

        @Actor
        public void clear(III_Result r) {
            r.r2 = fixture.clear(1);
        }

        @Arbiter
        public void end(III_Result r) {
            r.r3 = fixture.clear(2);
            fixture.returnRegistered();
        }
    }

    /** The poller of another queue drains the channel that this queue's copies are in. */
    @JCStressTest
    @Outcome(id = "3, 3, 0", expect = ACCEPTABLE, desc = "Both packets at once, their bytes with the guest.")
    @Outcome(expect = FORBIDDEN, desc = "A completion was not seen, or seen without its bytes, or twice.")
    @State
    public static class ACompletionDrainedByAnotherQueuesPollerIsSeenOnce {
        private final QueueFixture fixture = QueueFixture.registered();
        private final QueueFixture otherQueue = QueueFixture.registered();

        /** Submits two packets. */
        public ACompletionDrainedByAnotherQueuesPollerIsSeenOnce() {
            fixture.forget();
            fixture.submit(0, 2);
        }

        @Actor
        public void other() {
            otherQueue.queue.clearQueue(otherQueue.packets, 0, 0, fixture.channel);
        }

        @Actor
        public void poll(III_Result r) {
            r.r1 = fixture.poll(2);
            r.r2 = fixture.arrivals(0);
        }

        @Arbiter
        public void end(III_Result r) {
            r.r3 = fixture.clear(2);
            otherQueue.returnRegistered();
            fixture.returnRegistered();
        }
    }

    /** The listener is told of a state under the lock, so whoever has the lock sees no half of a change. */
    @JCStressTest
    @Outcome(id = {"0, 0", "1, 1"}, expect = ACCEPTABLE, desc = "Before the change, or after it.")
    @Outcome(expect = FORBIDDEN, desc = "Half of it, or a queue that runs without the listener knowing.")
    @State
    public static class APollerNeverSeesAHalfChangedQueue {
        private final QueueFixture fixture = QueueFixture.stopped();

        /** A ring that is complete, and stopped. */
        public APollerNeverSeesAHalfChangedQueue() {
            fixture.newRing(0);
            fixture.offer(0);
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
            fixture.returnStopped();
        }
    }

    /** The packets of a burst and their used elements are in one window, the old or the new one. */
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
            r.r2 = fixture.usedIn(0) + 2 * fixture.usedIn(1);
            r.r3 = fixture.arrivals(0) + 2 * fixture.arrivals(1);
            fixture.returnStopped();
        }
    }

    /** When the swap has returned, nothing is written to the old window any more. */
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
            retired = fixture.fingerprint(0);
        }

        @Actor
        public void burst() {
            fixture.queue.enqueueBurst(fixture.packets, 0, 1);
            fixture.queue.enqueueBurst(fixture.packets, 1, 1);
        }

        @Arbiter
        public void end(I_Result r) {
            r.r1 = fixture.fingerprint(0) - retired;
            fixture.returnStopped();
        }
    }

    /** When a stop has returned, no burst moves anything any more, nor meets a queue without a ring. */
    @JCStressTest
    @Outcome(id = {"0, 0", "0, 2"}, expect = ACCEPTABLE, desc = "The window is as the stop left it.")
    @Outcome(expect = FORBIDDEN, desc = "It was written after the stop.")
    @State
    public static class AStoppedRingIsNeverWritten {
        private final QueueFixture fixture = QueueFixture.swapping();
        private int stopped;

        @Actor
        public void stop() {
            fixture.queue.control().stop();
            stopped = fixture.fingerprint(0);
        }

        @Actor
        public void burst(II_Result r) {
            r.r2 = fixture.queue.enqueueBurst(fixture.packets, 0, 2);
        }

        @Arbiter
        public void end(II_Result r) {
            r.r1 = fixture.fingerprint(0) - stopped;
            fixture.returnStopped();
        }
    }

    /** A swap with copies in flight: it waits for them, and the packets come back all the same. */
    @JCStressTest
    @Outcome(id = "0, 3", expect = ACCEPTABLE, desc = "The window is as the swap left it, and both packets came back.")
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
            retired = fixture.fingerprint(0);
        }

        @Actor
        public void poll(II_Result r) {
            r.r2 = fixture.poll(2);
        }

        @Arbiter
        public void end(II_Result r) {
            r.r1 = fixture.fingerprint(0) - retired;
            r.r2 += fixture.clear(2);
            fixture.returnStopped();
        }
    }
}
