package io.vhost.device;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import io.vhost.Pause;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.I_Result;

/**
 * Control calls and bursts on one queue, by two threads; each of the four calls fails one of these without
 * the lock.
 */
public final class VirtQueueStress {
    private VirtQueueStress() {}

    /**
     * Of two registrations one is made, the other refused. Twin:
     * {@link VirtQueueControl.BothRegistersWinWithoutLock}.
     */
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
            fixture.giveBack();
        }
    }

    /**
     * Unregistering is refused once a packet is accepted; once it is done, none is accepted. Twin:
     * {@link VirtQueueControl.UnregisterFreesWhatASubmitAcceptedWithoutLock}.
     */
    @JCStressTest
    @Outcome(id = "1, 2, 1", expect = ACCEPTABLE,
            desc = "Accepted, so still registered with the packet in flight.")
    @Outcome(id = "0, 1, -1", expect = ACCEPTABLE, desc = "Unregistered, so nothing was accepted.")
    @Outcome(expect = FORBIDDEN,
            desc = "An accepted packet was lost, or its copies were left without an owner.")
    @State
    public static class UnregisterNeverFreesWhatASubmitAccepted {
        private final QueueFixture fixture = QueueFixture.registered();

        @Actor
        public void submit(III_Result r) {
            r.r1 = fixture.submit(0, 1);
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
            fixture.giveBack();
        }
    }

    /**
     * Packets in flight, asked for while they are submitted and polled again and again. Twin:
     * {@link VirtQueueControl.InflightIsNegativeWithoutLock}.
     */
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
            for (int i = 0; i < 10 && r.r1 == 0; i++) {
                r.r1 = fixture.queue.getInflight();
            }
        }

        @Arbiter
        public void end(I_Result r) {
            fixture.giveBack();
        }
    }

    /**
     * Who holds the lock may submit and clear in one go: nobody who asks meanwhile sees the half of it. Twin:
     * {@link VirtQueueControl.AHoldersPacketIsSeenInFlightWithoutLock}.
     */
    @JCStressTest
    @Outcome(id = "0", expect = ACCEPTABLE, desc = "Before the holder's work, or after it.")
    @Outcome(expect = FORBIDDEN, desc = "In the middle of it: asked without the lock.")
    @State
    public static class InflightIsAskedForUnderTheLock {
        private final QueueFixture fixture = QueueFixture.registered();

        @Actor
        public void holder() {
            fixture.queue.access_lock.lock();
            try {
                fixture.submit(0, 1);
                Pause.linger();
                fixture.clear(1);
            } finally {
                fixture.queue.access_lock.unlock();
            }
        }

        @Actor
        public void ask(I_Result r) {
            for (int i = 0; i < 50 && r.r1 == 0; i++) {
                r.r1 = fixture.queue.getInflight();
            }
        }

        @Arbiter
        public void end(I_Result r) {
            fixture.giveBack();
        }
    }

    /**
     * Packets that one thread polls and another clears. A poll that finds the lock taken returns nothing.
     * Twin: {@link VirtQueueControl.APacketIsGivenBackTwiceWithoutLock}.
     */
    @JCStressTest
    @Outcome(id = {"1, 2, 0", "2, 1, 0", "0, 1, 2"}, expect = ACCEPTABLE,
            desc = "Each packet once, the oldest first.")
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
            fixture.giveBack();
        }
    }

    /**
     * The poller of another queue drains the channel that this queue's copies are in. Twin:
     * {@link io.vhost.queue.CopySlotsControl.BytesAreMissingWhenTheFlagIsSetBeforeTheCopy}.
     */
    @JCStressTest
    @Outcome(id = "3, 3, 0", expect = ACCEPTABLE, desc = "Both packets at once, their bytes with the guest.")
    @Outcome(expect = FORBIDDEN, desc = "A completion was not seen, or seen without its bytes, or twice.")
    @State
    public static class ACompletionDrainedByAnotherQueuesPollerIsSeenOnce {
        private final QueueFixture fixture = QueueFixture.registered();
        private final QueueFixture otherQueue = QueueFixture.registered();

        /** Submits two packets. */
        public ACompletionDrainedByAnotherQueuesPollerIsSeenOnce() {
            fixture.window[0].forget();
            fixture.submit(0, 2);
        }

        @Actor
        public void other() {
            otherQueue.queue.clearQueue(otherQueue.packets, 0, 0, fixture.channel);
        }

        @Actor
        public void poll(III_Result r) {
            r.r1 = fixture.poll(2);
            r.r2 = fixture.window[0].arrivals();
        }

        @Arbiter
        public void end(III_Result r) {
            r.r3 = fixture.clear(2);
            otherQueue.giveBack();
            fixture.giveBack();
        }
    }
}
