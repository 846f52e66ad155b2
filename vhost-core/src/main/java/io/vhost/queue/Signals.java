package io.vhost.queue;

import io.vhost.os.EventFd;
import io.vhost.os.OsException;
import java.util.function.LongSupplier;

/**
 * Signals an eventfd of the front-end's for one purpose of a queue: interrupts, or errors. A signal takes
 * about a microsecond, unless whoever made the eventfd had it watched by so many others that the kernel is
 * busy for milliseconds. So slow signals are counted against many fast ones, and where they are many a thread
 * of the connection's own signals, until they are fast again: the thread that polls stays free for other
 * guests. A slow signal now and then is the scheduler's doing. What was seen of a front-end holds for those
 * that connect to the same server within a minute, so that nobody begins anew by connecting again.
 *
 * <p>Used under the queue's lock.
 */
final class Signals {
    /** Fast signals that make up for a slow one. */
    static final int WEIGHT = 100;
    /** Slow signals, without such that make up for them, which are too many. */
    static final int MOST_SLOW = 3;

    private final SignalWorker worker;
    private final LongSupplier clock;
    private int balance;
    private DeferredSignal deferred;    // null: signalled at once

    Signals(SignalWorker worker) {
        this(worker, System::nanoTime);
    }

    /** With another clock, in ns. */
    Signals(SignalWorker worker, LongSupplier clock) {
        this.worker = worker;
        this.clock = clock;
        balance = worker.expectsSlow() ? MOST_SLOW * WEIGHT : 0;
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
            if (deferred.isFastAgain()) {
                // The next slow one is one too many.
                balance = (MOST_SLOW - 1) * WEIGHT;
                follow(eventFd);
            }
            return true;
        }
        long before = clock.getAsLong();
        boolean sent = eventFd.signal();
        if (clock.getAsLong() - before < DeferredSignal.SLOW) {
            balance = Math.max(balance - 1, 0);
        } else {
            balance = Math.min(balance + WEIGHT, MOST_SLOW * WEIGHT);
            follow(eventFd);
        }
        return sent;
    }

    /** Another eventfd takes the place of the one before; null: none. What was slow stays so for now. */
    void follow(EventFd eventFd) {
        if (deferred != null) {
            deferred.close();
            deferred = null;
        }
        if (eventFd != null && balance >= MOST_SLOW * WEIGHT && worker.begin()) {
            try {
                EventFd own = EventFd.adopt(eventFd.descriptor().duplicate());
                deferred = new DeferredSignal(own, worker, clock);
                worker.foundSlow();
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
