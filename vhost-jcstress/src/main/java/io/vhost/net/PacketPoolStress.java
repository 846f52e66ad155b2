package io.vhost.net;

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

/** A pool that two threads use at a time. */
public final class PacketPoolStress {
    private PacketPoolStress() {}

    /**
     * Single packets taken by two threads are two packets. Twin:
     * {@link PacketPoolControl.APacketIsHandedOutTwiceWithoutLock}.
     */
    @JCStressTest
    @Outcome(id = {"1, 2", "2, 1"}, expect = ACCEPTABLE, desc = "One each.")
    @Outcome(expect = FORBIDDEN, desc = "A packet was handed out twice, or lost.")
    @State
    public static class NoPacketIsHandedOutTwice {
        private final PacketPool pool = Pools.of(2);

        @Actor
        public void one(II_Result r) {
            r.r1 = Pools.bit(pool.take());
        }

        @Actor
        public void other(II_Result r) {
            r.r2 = Pools.bit(pool.take());
        }
    }

    /**
     * Bursts that ask for more than there is share it. Twin:
     * {@link PacketPoolControl.APacketIsHandedOutTwiceWithoutLock}.
     */
    @JCStressTest
    @Outcome(id = {"3, 4", "4, 3"}, expect = ACCEPTABLE, desc = "Two for the first, the rest for the second.")
    @Outcome(expect = FORBIDDEN, desc = "A packet was handed out twice, or lost.")
    @State
    public static class NoPacketIsHandedOutTwiceInBursts {
        private final PacketPool pool = Pools.of(3);

        @Actor
        public void one(II_Result r) {
            r.r1 = Pools.burst(pool);
        }

        @Actor
        public void other(II_Result r) {
            r.r2 = Pools.burst(pool);
        }
    }

    /**
     * A packet that comes back from another thread comes as that thread left it. Twin:
     * {@link PacketPoolControl.ATakenPacketIsWrittenByItsLastOwnerWhoReleasedItFirst}.
     */
    @JCStressTest
    @Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "Not released yet.")
    @Outcome(id = "1, 42", expect = ACCEPTABLE, desc = "The packet, with the last owner's bytes.")
    @Outcome(expect = FORBIDDEN, desc = "The packet came before its last owner was done with it.")
    @State
    public static class ATakenPacketIsWhatItsLastOwnerLeft {
        private final PacketPool pool = Pools.of(1);
        private final Packet packet = pool.take();

        @Actor
        public void owner() {
            packet.append(4);
            packet.putNetworkInt(0, 42);
            packet.release();
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

    /**
     * Of two releases of one packet, one is refused and the pool has the packet once. Twin:
     * {@link PacketPoolControl.TwoReleasesAreAcceptedWithTheCheckBeforeTheLock}.
     */
    @JCStressTest
    @Outcome(id = {"1, 0, 1", "0, 1, 1"}, expect = ACCEPTABLE, desc = "One release, one refusal, one packet.")
    @Outcome(expect = FORBIDDEN, desc = "Both were accepted, or neither.")
    @State
    public static class OneOfTwoReleasesIsRefused {
        private final PacketPool pool = Pools.of(1);
        private final Packet packet = pool.take();

        @Actor
        public void one(III_Result r) {
            r.r1 = Pools.release(packet);
        }

        @Actor
        public void other(III_Result r) {
            r.r2 = Pools.release(packet);
        }

        @Arbiter
        public void end(III_Result r) {
            r.r3 = pool.available();
        }
    }

    /**
     * Diagnostics see a burst whole or not at all. Twin:
     * {@link PacketPoolControl.ASnapshotIsTornWithALockForEachPacket}.
     */
    @JCStressTest
    @Outcome(id = {"0", "2"}, expect = ACCEPTABLE, desc = "Before the burst, or after it.")
    @Outcome(expect = FORBIDDEN, desc = "In the middle of it.")
    @State
    public static class ASnapshotIsNeverTorn {
        private final PacketPool pool = Pools.of(2);

        @Actor
        public void burst() {
            Pools.burst(pool);
        }

        @Actor
        public void diagnostics(I_Result r) {
            r.r1 = pool.outstanding();
        }
    }
}
