package io.vhost.ring;

import org.openjdk.jcstress.infra.results.III_Result;

/** What the device finds when it looks until there is something, but not for long. */
final class Gathered {
    private Gathered() {}

    /** How many chains, or -1 for a violation; where the buffer lies in the slice; its first bytes. */
    static void into(III_Result r, RingPair pair) {
        ChainBatch batch = RingPair.batch();
        int chains = lookFor(1, pair, batch);
        r.r1 = pair.device.violation() == null ? chains : -1;
        if (chains == 1) {
            r.r2 = (int) (batch.bufferOffset(0) - pair.base);
            r.r3 = pair.payload();
            pair.device.ungather(batch, 1);
        }
    }

    /** How many chains, or -1 for a violation; where the last buffer lies in the slice; the first's bytes. */
    static void twoInto(III_Result r, RingPair pair) {
        ChainBatch batch = RingPair.batch();
        int chains = lookFor(2, pair, batch);
        r.r1 = pair.device.violation() == null ? chains : -1;
        if (chains > 0) {
            int last = batch.endBuffer(chains - 1) - 1;
            r.r2 = (int) (batch.bufferOffset(last) - pair.base);
            r.r3 = pair.payload();
        }
        pair.device.keep(batch, 0);
    }

    private static int lookFor(int most, RingPair pair, ChainBatch batch) {
        int chains = 0;
        for (int i = 0; i < RingPair.LOOKS && chains == 0; i++) {
            chains = pair.device.gather(batch, most);
        }
        return chains;
    }
}
