package io.vhost.dma;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;

/** One channel, drained by the pollers of two queues. */
public final class DmaChannelStress {
    private DmaChannelStress() {}

    /**
     * Each copy's owner is told of it once, whoever drains. Twin:
     * {@link DmaChannelControl.ACopyIsReportedTwiceWithoutLock}.
     */
    @JCStressTest
    @Outcome(id = "1, 1, 0", expect = ACCEPTABLE, desc = "Each once, and the channel is empty and sound.")
    @Outcome(expect = FORBIDDEN, desc = "A completion was lost or told twice, or the channel has failed.")
    @State
    public static class EachCopyIsReportedOnce {
        private final TwoCopies copies = new TwoCopies();

        @Actor
        public void one() {
            copies.channel.drain();
        }

        @Actor
        public void other() {
            copies.channel.drain();
        }

        @Arbiter
        public void end(III_Result r) {
            r.r1 = copies.told(0);
            r.r2 = copies.told(1);
            r.r3 = copies.channel.failure() == null ? copies.channel.inFlight() : -1;
        }
    }
}
