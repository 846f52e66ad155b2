package io.vhost.queue;

import io.vhost.dma.channel.CopyListener;

/**
 * Finds out who holds a channel up for which a queue waits: while it waits it looks again and again whose
 * copy is being made, and who is seen most of the time is to blame. Others are served on the way and have
 * done nothing wrong. Used under the queue's lock.
 */
final class CopyBlame {
    /** Between two looks. More, and the process may have stood still, which is nobody's fault. */
    private static final long GAP_NANOS = 25_000_000;

    private CopyListener suspect;
    /** By how much the suspect leads over all others together. */
    private int lead;
    private boolean watching;
    private int awaited;
    private long since;
    private long last;

    /** Begins anew. */
    void forget() {
        suspect = null;
        lead = 0;
        watching = false;
    }

    /**
     * A queue in use waits for an item.
     *
     * @param item its number
     * @return whether it has looked at that item shortly before; if not, a watch begins
     */
    boolean watches(int item, long now) {
        boolean goesOn = watching && awaited == item && now - last <= GAP_NANOS;
        if (!goesOn) {
            forget();
            watching = true;
            awaited = item;
            since = now;
        }
        last = now;
        return goesOn;
    }

    long watchedFor(long now) {
        return now - since;
    }

    /** Whose copy is being made; null: nobody's, or nobody knows. */
    void observe(CopyListener served) {
        if (served == null) {
            return;
        }
        if (lead == 0) {
            suspect = served;
        }
        lead += served.equals(suspect) ? 1 : -1;
    }

    /** Who is to blame; null: nobody was seen. */
    CopyListener verdict() {
        return suspect;
    }
}
