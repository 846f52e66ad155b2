package io.vhost.queue;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.dma.channel.CopyListener;
import org.junit.jupiter.api.Test;

/** Who is to blame for a channel that is held up. */
class CopyBlameTest {
    private static final long GAP = 25_000_000;

    private final CopyListener slow = owner();
    private final CopyListener other = owner();
    private final CopyListener third = owner();
    private final CopyBlame blame = new CopyBlame();

    private static CopyListener owner() {
        return new CopyListener() {
            @Override
            public void copyDone(int slot, boolean failed) {}
        };
    }

    private void observe(CopyListener... served) {
        for (CopyListener each : served) {
            blame.observe(each);
        }
    }

    @Test
    void whoIsSeenMostOfTheTimeIsToBlameWheneverThatWas() {
        observe(slow, slow, slow, other, third);
        assertSame(slow, blame.verdict());
        blame.forget();
        observe(other, third, slow, slow, slow);
        assertSame(slow, blame.verdict());
        blame.forget();
        observe(slow, other, slow, third, slow);
        assertSame(slow, blame.verdict());
    }

    /** One of the two, since the channel must be freed of somebody: not a third, who was never served. */
    @Test
    void aTieIsLaidOnOneOfThoseSeen() {
        observe(slow, other);
        assertSame(slow, blame.verdict());
        observe(other);
        assertSame(other, blame.verdict());
    }

    @Test
    void nobodyIsToBlameWhoWasNotSeen() {
        assertNull(blame.verdict());
        observe(null, null);
        assertNull(blame.verdict());
        observe(slow, null, null);
        assertSame(slow, blame.verdict());
        blame.forget();
        assertNull(blame.verdict());
    }

    @Test
    void aWatchGoesOnWhileItIsLookedAtOftenEnough() {
        long start = Long.MAX_VALUE - 5;
        assertFalse(blame.watches(7, start));
        assertTrue(blame.watches(7, start + GAP - 1));
        assertTrue(blame.watches(7, start + 2 * GAP - 1));
        assertEquals(2 * GAP - 1, blame.watchedFor(start + 2 * GAP - 1));
        observe(slow);
        assertFalse(blame.watches(7, start + 3 * GAP), "the process may have stood still");
        assertNull(blame.verdict());
        assertEquals(0, blame.watchedFor(start + 3 * GAP));
    }

    @Test
    void anotherItemIsWatchedAnew() {
        assertFalse(blame.watches(7, 0));
        observe(slow);
        assertFalse(blame.watches(8, 1));
        assertNull(blame.verdict());
        assertFalse(blame.watches(7, 2));
    }
}
