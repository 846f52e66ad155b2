package io.vhost.monitor;

import io.vhost.os.Descriptor;
import io.vhost.os.EventFd;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Wakes the monitor's thread. Whoever rings while it is closed finds it closed, and never the descriptor of
 * something else.
 *
 * <p>Threads: {@link #ring} is for any, under any lock, and does not wait; the others are for one.
 */
final class Doorbell implements AutoCloseable {
    /** Far below what any number of ringing threads adds. */
    private static final int CLOSED = Integer.MIN_VALUE / 2;

    private final EventFd event = EventFd.create();
    private final AtomicInteger ringing = new AtomicInteger();
    private final AtomicBoolean rung = new AtomicBoolean();

    /** What becomes readable. */
    Descriptor descriptor() {
        return event.descriptor();
    }

    /** Wakes; what was done before is seen by whoever {@linkplain #answer answers} afterwards. */
    void ring() {
        if (rung.compareAndSet(false, true)) {
            if (ringing.getAndIncrement() >= 0) {
                event.signal();
            }
            ringing.getAndDecrement();
        }
    }

    /** Is ready for the next ring; to be called before looking for what there is to do. */
    void answer() {
        event.drain();
        rung.set(false);
    }

    /** Waits for those who ring just now, each for one system call. A second time has no effect. */
    @Override
    public void close() {
        if (ringing.get() >= 0) {
            ringing.getAndAdd(CLOSED);
        }
        while (ringing.get() != CLOSED) {
            Thread.onSpinWait();
        }
        event.close();
    }
}
