package io.vhost.net;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE_INTERESTING;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.I_Result;

/** Broken twins of the pool: what {@link PacketPoolStress} would see. */
@SuppressWarnings("GuardedBy") // That the lock is left out is the point.
public final class PacketPoolControl {
    private PacketPoolControl() {}

    /** The stack of free packets without the lock. Seen 43,191 times in 499,731. */
    @JCStressTest
    @Outcome(id = {"1, 2", "2, 1"}, expect = ACCEPTABLE, desc = "One each.")
    @Outcome(expect = ACCEPTABLE_INTERESTING, desc = "A packet was handed out twice.")
    @State
    public static class APacketIsHandedOutTwiceWithoutLock {
        private final PacketPool pool = Pools.of(2);

        @Actor
        public void one(II_Result r) {
            r.r1 = Pools.bit(pool.pop());
        }

        @Actor
        public void other(II_Result r) {
            r.r2 = Pools.bit(pool.pop());
        }
    }

    /** The mark of a released packet is looked at before the lock is taken. Seen 4,884 times in 509,971. */
    @JCStressTest
    @Outcome(id = {"1, 0, 1", "0, 1, 1"}, expect = ACCEPTABLE, desc = "One release, one refusal, one packet.")
    @Outcome(expect = ACCEPTABLE_INTERESTING, desc = "Both were accepted.")
    @State
    public static class TwoReleasesAreAcceptedWithTheCheckBeforeTheLock {
        // Room in the pool for what it must not get.
        private final PacketPool pool = Pools.of(2);
        private final Packet packet = pool.take();

        /** The other packet stays outside, so that the pool is empty. */
        public TwoReleasesAreAcceptedWithTheCheckBeforeTheLock() {
            pool.take();
        }

        private int release() {
            if (!pool.mayRelease(packet)) {
                return 0;
            }
            synchronized (this) {
                pool.push(packet);
            }
            return 1;
        }

        @Actor
        public void one(III_Result r) {
            r.r1 = release();
        }

        @Actor
        public void other(III_Result r) {
            r.r2 = release();
        }

        @Arbiter
        public void end(III_Result r) {
            r.r3 = pool.available();
        }
    }

    /** The packet is released before the last write to it. Seen 1,254 times in 149,046. */
    @JCStressTest
    @Outcome(id = {"0, 0", "1, 42"}, expect = ACCEPTABLE,
            desc = "Not released yet, or with the last owner's bytes.")
    @Outcome(expect = ACCEPTABLE_INTERESTING,
            desc = "The packet came before its last owner was done with it.")
    @State
    public static class ATakenPacketIsWrittenByItsLastOwnerWhoReleasedItFirst {
        private final PacketPool pool = Pools.of(1);
        private final Packet packet = pool.take();

        @Actor
        public void owner() {
            packet.append(4);
            long offset = packet.dataOffset();
            packet.release();
            pool.segment().set(Pools.NETWORK_INT, offset, 42);
        }

        @Actor
        public void next(II_Result r) {
            Packet taken = Pools.await(pool);
            if (taken != null) {
                taken.append(4);
                r.r1 = 1;
                r.r2 = taken.networkIntAt(0);
            }
        }
    }

    /** The lock is taken for each packet instead of each burst. Seen 3,602 times in 224,566. */
    @JCStressTest
    @Outcome(id = {"0", "2"}, expect = ACCEPTABLE, desc = "Before the burst, or after it.")
    @Outcome(expect = ACCEPTABLE_INTERESTING, desc = "In the middle of it.")
    @State
    public static class ASnapshotIsTornWithALockForEachPacket {
        private final PacketPool pool = Pools.of(2);

        @Actor
        public void burst() {
            pool.take();
            pool.take();
        }

        @Actor
        public void diagnostics(I_Result r) {
            r.r1 = pool.outstanding();
        }
    }
}
