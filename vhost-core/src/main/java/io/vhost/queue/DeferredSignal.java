package io.vhost.queue;

import io.vhost.os.EventFd;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;

/**
 * An eventfd that a {@link SignalWorker} signals: the kernel may take as long as it likes. Signals that come
 * meanwhile become one.
 *
 * <p>Thread: any for {@link #request}; {@link #close} comes last.
 */
final class DeferredSignal {
    /** What a signal may take, in ns. */
    static final long SLOW = 500_000;
    /** So many fast signals in a row, and there is no reason any more to leave them to another thread. */
    static final int FAST_AGAIN = 100;

    private final EventFd eventFd;
    private final SignalWorker worker;
    private final LongSupplier clock;
    private final AtomicBoolean due = new AtomicBoolean();
    /** Made once: a burst asks for it. */
    private final Runnable serving = this::serve;
    /** The worker's. */
    private int fast;
    private volatile boolean fastAgain;

    /** Signals {@code eventFd}, which is this object's from now on; {@code worker} has begun. */
    DeferredSignal(EventFd eventFd, SignalWorker worker, LongSupplier clock) {
        this.eventFd = eventFd;
        this.worker = worker;
        this.clock = clock;
    }

    /** Has the eventfd signalled soon. */
    void request() {
        if (due.compareAndSet(false, true)) {
            worker.add(serving);
        }
    }

    /** Has the eventfd closed soon, and signalled before if that was asked for. */
    void close() {
        worker.add(eventFd::close);
    }

    boolean isFastAgain() {
        return fastAgain;
    }

    private void serve() {
        // First: what is asked for from here on needs another signal.
        if (due.getAndSet(false)) {
            long before = clock.getAsLong();
            eventFd.signal();
            fast = clock.getAsLong() - before < SLOW ? fast + 1 : 0;
            fastAgain = fast >= FAST_AGAIN;
        }
    }
}
