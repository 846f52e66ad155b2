package io.vhost.device;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE_INTERESTING;

import io.vhost.Pause;
import io.vhost.net.Packet;
import io.vhost.queue.CopySlots;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;

/** Broken twins of the queue: what {@link VirtQueueStress} would see. */
public final class VirtQueueControl {
    private VirtQueueControl() {}

    /** Two registrations without the lock. Seen 67 times in 4,451. */
    @JCStressTest
    @Outcome(id = {"1, 2", "2, 1"}, expect = ACCEPTABLE, desc = "One has registered.")
    @Outcome(id = "1, 1", expect = ACCEPTABLE_INTERESTING, desc = "Both have registered.")
    @State
    public static class BothRegistersWinWithoutLock {
        private final BareQueue queue = BareQueue.running();

        @Actor
        public void one(II_Result r) {
            queue.meet();
            r.r1 = Outcomes.of(queue.path::registerAsync);
        }

        @Actor
        public void other(II_Result r) {
            queue.meet();
            r.r2 = Outcomes.of(queue.path::registerAsync);
        }
    }

    /** Who submits has the lock, who unregisters has not. Seen 101 times in 4,366. */
    @JCStressTest
    @Outcome(id = {"1, 2, 1", "0, 1, -1"}, expect = ACCEPTABLE, desc = "Accepted, or unregistered.")
    @Outcome(expect = ACCEPTABLE_INTERESTING,
            desc = "Accepted and unregistered: the packet is lost, or the burst broke.")
    @State
    public static class UnregisterFreesWhatASubmitAcceptedWithoutLock {
        private final BareQueue queue = BareQueue.submitted(0);

        @Actor
        public void submit(III_Result r) {
            queue.meet();
            queue.access_lock.lock();
            try {
                r.r1 = queue.submit(1);
            } catch (NullPointerException e) {
                r.r1 = -1;
            } finally {
                queue.access_lock.unlock();
            }
        }

        @Actor
        public void unregister(III_Result r) {
            queue.meet();
            r.r2 = Outcomes.of(queue.path::unregisterAsync);
        }

        @Arbiter
        public void end(III_Result r) {
            r.r3 = queue.path.isAsyncRegistered() ? queue.path.inFlight() : -1;
        }
    }

    /**
     * How many were submitted is read without the lock, and after it how many came back.
     * Seen 102 times in 1,509.
     */
    @JCStressTest
    @Outcome(id = "0|1|2", expect = ACCEPTABLE, desc = "0 to the ring's size.")
    @Outcome(expect = ACCEPTABLE_INTERESTING, desc = "Negative, or more than the ring holds.")
    @State
    public static class InflightIsNegativeWithoutLock {
        private final BareQueue queue = BareQueue.submitted(0);
        private final CopySlots<Packet> slots = queue.path.async().slots();

        @Actor
        public void traffic() {
            queue.submitAndClear();
            queue.window[0].recycle();
            queue.submitAndClear();
        }

        @Actor
        public void ask(I_Result r) {
            queue.awaitHolder();
            for (int i = 0; i < 50 && r.r1 >= 0; i++) {
                int opened = slots.opened();
                Pause.spinUntil(() -> slots.opened() != opened && slots.inFlight() == 0);
                int emptied = slots.opened() - slots.inFlight();
                r.r1 = opened - emptied;
            }
        }
    }

    /** Packets in flight, while a holder of the lock submits and clears. Seen 11 times in 1,347. */
    @JCStressTest
    @Outcome(id = "0", expect = ACCEPTABLE, desc = "Before the holder's work, or after it.")
    @Outcome(expect = ACCEPTABLE_INTERESTING, desc = "In the middle of it.")
    @State
    public static class AHoldersPacketIsSeenInFlightWithoutLock {
        private final BareQueue queue = BareQueue.submitted(0);

        @Actor
        public void holder() {
            queue.submitAndClear();
        }

        @Actor
        public void ask(I_Result r) {
            queue.awaitHolder();
            for (int i = 0; i < 50 && r.r1 == 0; i++) {
                r.r1 = queue.path.inFlight();
            }
        }
    }

    /** Two threads take packets back without the lock. Seen 25 times in 866. */
    @JCStressTest
    @Outcome(id = {"1, 2", "2, 1"}, expect = ACCEPTABLE, desc = "Each packet once.")
    @Outcome(expect = ACCEPTABLE_INTERESTING,
            desc = "A packet was given back twice, or not at all, or the queue broke.")
    @State
    public static class APacketIsGivenBackTwiceWithoutLock {
        private final BareQueue queue = BareQueue.submitted(2);

        private int take() {
            queue.meet();
            try {
                return queue.clear(1);
            } catch (RuntimeException e) {
                return -1;
            }
        }

        @Actor
        public void poll(II_Result r) {
            r.r1 = take();
        }

        @Actor
        public void clear(II_Result r) {
            r.r2 = take();
        }
    }
}
