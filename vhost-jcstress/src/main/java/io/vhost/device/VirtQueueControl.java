package io.vhost.device;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE_INTERESTING;

import io.vhost.dma.DmaChannel;
import io.vhost.dma.DmaRegistry;
import io.vhost.dma.HeldEngine;
import java.util.concurrent.locks.ReentrantLock;
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
    private static final DmaChannel CHANNEL = new DmaRegistry().configure("control", new HeldEngine());

    private VirtQueueControl() {}

    /** Whether it is registered is looked at before the lock is taken. Seen 30,241 times in 113,206. */
    @JCStressTest
    @Outcome(id = {"1, 2", "2, 1"}, expect = ACCEPTABLE, desc = "One has registered.")
    @Outcome(id = "1, 1", expect = ACCEPTABLE_INTERESTING, desc = "Both have registered.")
    @State
    public static class BothRegistersWinWithTheCheckBeforeTheLock {
        private final ReentrantLock lock = new ReentrantLock();
        private boolean registered;

        private int register() {
            if (registered) {
                return Outcomes.REFUSED;
            }
            lock.lock();
            try {
                registered = true;
            } finally {
                lock.unlock();
            }
            return Outcomes.SERVED;
        }

        @Actor
        public void one(II_Result r) {
            r.r1 = register();
        }

        @Actor
        public void other(II_Result r) {
            r.r2 = register();
        }
    }

    /** Packets in flight are counted before the lock is taken. Seen 5,857 times in 101,686. */
    @JCStressTest
    @Outcome(id = {"1, 2, 1", "0, 1, -1"}, expect = ACCEPTABLE, desc = "Accepted, or unregistered.")
    @Outcome(expect = ACCEPTABLE_INTERESTING, desc = "Accepted and unregistered: the packet is lost.")
    @State
    public static class UnregisterFreesWhatASubmitAcceptedWithTheCheckBeforeTheLock {
        private final ReentrantLock lock = new ReentrantLock();
        private AsyncCopies copies = new AsyncCopies(2);

        @Actor
        public void submit(III_Result r) {
            lock.lock();
            try {
                r.r1 = copies == null ? 0 : 1;
                if (copies != null) {
                    copies.open(null, 1, CHANNEL, 0);
                }
            } finally {
                lock.unlock();
            }
        }

        @Actor
        public void unregister(III_Result r) {
            if (copies.inFlight() > 0) {
                r.r2 = Outcomes.REFUSED;
                return;
            }
            lock.lock();
            try {
                copies = null;
                r.r2 = Outcomes.SERVED;
            } finally {
                lock.unlock();
            }
        }

        @Arbiter
        public void end(III_Result r) {
            r.r3 = copies == null ? -1 : copies.inFlight();
        }
    }

    /** The difference of the two indexes is read without the lock. Seen 3,501 times in 154,166. */
    @JCStressTest
    @Outcome(id = "0|1|2", expect = ACCEPTABLE, desc = "0 to the ring's size.")
    @Outcome(expect = ACCEPTABLE_INTERESTING, desc = "Negative, or more than the ring holds.")
    @State
    public static class InflightIsNegativeWithoutLock {
        private volatile int opened;
        private volatile int emptied;

        @Actor
        @SuppressWarnings("NonAtomicVolatileUpdate") // One writer.
        public void traffic() {
            for (int i = 0; i < 4; i++) {
                opened++;
                emptied++;
            }
        }

        @Actor
        public void ask(I_Result r) {
            int seen = opened;
            Outcomes.linger();
            r.r1 = seen - emptied;
        }
    }

    /** The same difference, while a holder of the lock submits and clears. Seen 2,146 times in 118,326. */
    @JCStressTest
    @Outcome(id = "0", expect = ACCEPTABLE, desc = "Before the holder's work, or after it.")
    @Outcome(expect = ACCEPTABLE_INTERESTING, desc = "In the middle of it.")
    @State
    public static class AHoldersPacketIsSeenInFlightWithoutLock {
        private final ReentrantLock lock = new ReentrantLock();
        private final AsyncCopies copies = new AsyncCopies(2);

        @Actor
        public void holder() {
            lock.lock();
            try {
                copies.open(null, 0, CHANNEL, 0);
                Outcomes.linger();
                copies.close(null);
                copies.empty();
            } finally {
                lock.unlock();
            }
        }

        @Actor
        public void ask(I_Result r) {
            r.r1 = copies.inFlight();
        }
    }

    /**
     * Two threads empty slots without the lock; a slot's number stands for its packet.
     * Seen 33,800 times in 362,806.
     */
    @JCStressTest
    @Outcome(id = {"1, 2", "2, 1"}, expect = ACCEPTABLE, desc = "Each packet once.")
    @Outcome(expect = ACCEPTABLE_INTERESTING, desc = "A packet was given back twice.")
    @State
    public static class APacketIsGivenBackTwiceWithoutLock {
        private final AsyncCopies copies = new AsyncCopies(2);

        /** Two packets that are done. */
        public APacketIsGivenBackTwiceWithoutLock() {
            copies.open(null, 0, CHANNEL, 0);
            copies.open(null, 0, CHANNEL, 0);
            copies.close(null);
        }

        private int take() {
            try {
                int slot = copies.oldest();
                copies.empty();
                return slot + 1;
            } catch (NullPointerException e) {
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
