package io.vhost.queue;

import io.vhost.os.Descriptor;
import io.vhost.os.EventFd;

/**
 * A queue's kick descriptor for a thread that sleeps on it: a duplicate, since the front-end may replace its
 * own at any time. {@link #follow} is called under the queue's lock, everything by the thread that sleeps.
 */
@SuppressWarnings("exports") // Descriptors are for the library itself.
public final class KickSource implements AutoCloseable {
    /** What a queue says when it is asked for kicks. */
    public enum Answer {
        /** Chains are there already. */
        HAS_WORK,
        /** A kick will come with the next chain. */
        ARMED,
        /** The front-end sends no kicks: look now and then. */
        SENDS_NO_KICKS,
        /** The queue does not run. */
        IS_STOPPED
    }

    private EventFd source;
    private EventFd own;

    /** Nothing to sleep on yet. */
    public KickSource() {}

    void follow(EventFd kick) {
        if (!kick.equals(source)) {
            close();
            own = EventFd.adopt(kick.descriptor().duplicate());
            source = kick;
        }
    }

    /** The descriptor to poll; there is one after {@link Answer#ARMED}. */
    public Descriptor descriptor() {
        return own.descriptor();
    }

    /** Takes the kicks that have come. */
    public void drain() {
        own.drain();
    }

    @Override
    public void close() {
        if (own != null) {
            own.close();
            own = null;
            source = null;
        }
    }
}
