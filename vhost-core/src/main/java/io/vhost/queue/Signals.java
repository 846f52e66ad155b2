package io.vhost.queue;

import io.vhost.os.EventFd;
import io.vhost.os.OsException;
import java.util.function.LongSupplier;

/**
 * Signals an eventfd of the front-end's for one purpose of a queue: interrupts, or errors. A signal takes
 * about a microsecond, unless whoever made the eventfd had it watched by so many others that the kernel is
 * busy for milliseconds, each time: once that has been so {@value #MOST_SLOW} times in a row, a thread of its
 * own signals, and the thread that polls stays free for its neighbours. A slow signal now and then is the
 * scheduler's doing, and three in a row may be: to be signalled by another thread does no harm.
 *
 * <p>Used under the queue's lock.
 */
final class Signals {
    /** What a signal may take, in ns. */
    static final long SLOW = 200_000;
    static final int MOST_SLOW = 3;

    private final LongSupplier clock;
    private int slow;
    private DeferredSignal deferred;    // null: signalled at once

    Signals() {
        this(System::nanoTime);
    }

    /** With another clock, in ns. */
    Signals(LongSupplier clock) {
        this.clock = clock;
    }

    /**
     * Signals.
     *
     * @param eventFd what {@link #follow} was told last
     * @return false if the other side cannot be woken; that is not known where another thread signals
     */
    boolean signal(EventFd eventFd) {
        if (deferred != null) {
            deferred.request();
            return true;
        }
        long before = clock.getAsLong();
        boolean sent = eventFd.signal();
        if (clock.getAsLong() - before < SLOW) {
            slow = 0;
        } else {
            slow++;
            follow(eventFd);
        }
        return sent;
    }

    /** Another eventfd takes the place of the one before; null: none. A queue that was slow stays so. */
    void follow(EventFd eventFd) {
        if (deferred != null) {
            deferred.close();
            deferred = null;
        }
        if (eventFd != null && slow >= MOST_SLOW) {
            try {
                deferred = new DeferredSignal(EventFd.adopt(eventFd.descriptor().duplicate()));
            } catch (OsException _) {
                // No descriptor is left: tried again after the next slow signal.
            }
        }
    }

    /** Whether another thread signals. */
    boolean areDeferred() {
        return deferred != null;
    }
}
