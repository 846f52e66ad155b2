package io.vhost.ring;

import org.openjdk.jcstress.infra.results.III_Result;

/** What the driver finds when it looks until there is something, but not for long. */
final class Polled {
    private Polled() {}

    /** The token, -1 for nothing or -2 for a violation; the length; the buffer's first bytes. */
    static void into(III_Result r, RingPair pair) {
        int token = lookFor(pair);
        r.r1 = pair.driver.violation() == null ? token : -2;
        if (token >= 0) {
            r.r2 = pair.driver.usedLength();
            r.r3 = pair.payload();
        }
    }

    /** The token, -1 for nothing or -2 for a violation; the next one at once; the first buffer's bytes. */
    static void twoInto(III_Result r, RingPair pair) {
        int token = lookFor(pair);
        int next = token < 0 ? token : pair.driver.poll();
        boolean sound = pair.driver.violation() == null;
        r.r1 = sound ? token : -2;
        r.r2 = sound ? next : -2;
        r.r3 = token < 0 ? 0 : pair.payload();
    }

    private static int lookFor(RingPair pair) {
        int token = -1;
        for (int i = 0; i < RingPair.LOOKS && token < 0; i++) {
            token = pair.driver.poll();
        }
        return token;
    }
}
