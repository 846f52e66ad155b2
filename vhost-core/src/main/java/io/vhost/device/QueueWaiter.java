package io.vhost.device;

import io.vhost.os.Descriptor;
import io.vhost.os.EventFd;
import io.vhost.os.Poll;
import io.vhost.queue.KickSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Lets a thread sleep until one of its queues has work: interrupts instead of polling, for times when little
 * happens.
 *
 * <p>{@link #await} asks the guests for kicks, looks at the queues once more, and waits; when it returns,
 * kicks are suppressed again, so that a thread which goes on polling pays nothing. Poll while there is work,
 * and wait when a number of rounds found none.
 *
 * <p>Thread: one waits; {@link #wakeUp} may be called by any, with any lock held. A queue has one waiter at a
 * time, the last that named it. A queue whose front-end sends no kicks is looked at once a millisecond, and
 * so is one whose kick descriptor goes on ending waits without any work, until there is some.
 *
 * <p>No kick is lost: the wish for kicks is stored before the last look (virtio 1.2, 2.7.10), a kick that
 * comes after it makes the wait end, and so does each change of a queue by its front-end.
 */
public final class QueueWaiter implements AutoCloseable {
    /** The time-out that never comes. */
    public static final int FOREVER = Poll.FOREVER;

    private static final int POLL_MILLIS = 1;

    private final EventFd wake = EventFd.create();
    private final Descriptor[] others;
    private final List<KickSource> kicks = new ArrayList<>();
    /** By kick: its place among what is watched; 0: not. */
    private int[] places = {};
    private VirtQueue[] known = {};
    private Descriptor[] watched = {};
    private Poll poll = new Poll();
    private boolean closed;

    /** Waits for queues alone. */
    public QueueWaiter() {
        this(new Descriptor[0]);
    }

    /**
     * Waits for other descriptors as well.
     *
     * @param others end a wait when they can be read; they stay the caller's, and open as long as this waits
     */
    @SuppressWarnings("exports") // Only the library itself has descriptors to give.
    public QueueWaiter(Descriptor... others) {
        this.others = others.clone();
    }

    /**
     * Waits until a queue may have work, {@link #wakeUp} was called, or the time is over. Takes each queue's
     * lock for a moment, so do not call it while holding one.
     *
     * @param timeoutMillis how long at most, in milliseconds; {@link #FOREVER}: without limit
     * @param queues queues that carry packets from guests
     * @return false when the time was over
     */
    public boolean await(int timeoutMillis, VirtQueue... queues) {
        if (!Arrays.equals(queues, known)) {
            closeKicks();
            known = queues.clone();
            places = new int[queues.length];
            for (int i = 0; i < queues.length; i++) {
                kicks.add(new KickSource());
            }
        }
        int armed = 0;
        try {
            boolean work = false;
            int timeout = timeoutMillis;
            List<Descriptor> watch = new ArrayList<>(List.of(wake.descriptor()));
            while (armed < queues.length && !work) {
                KickSource kick = kicks.get(armed);
                int number = armed++;
                places[number] = 0;
                switch (queues[number].armFor(this::wakeUp, kick)) {
                    case HAS_WORK -> work = true;
                    case ARMED -> {
                        places[number] = watch.size();
                        watch.add(kick.descriptor());
                    }
                    case SENDS_NO_KICKS ->
                            timeout = timeout < 0 ? POLL_MILLIS : Math.min(timeout, POLL_MILLIS);
                    case IS_STOPPED -> { }
                }
            }
            return work || sleep(watch, timeout);
        } finally {
            for (int i = 0; i < armed; i++) {
                queues[i].disarmed();
            }
        }
    }

    private boolean sleep(List<Descriptor> watch, int timeout) {
        watch.addAll(List.of(others));
        Descriptor[] now = watch.toArray(Descriptor[]::new);
        if (!Arrays.equals(now, watched)) {
            watched = now;
            poll = new Poll(now);
        }
        int ready = poll.await(timeout);
        if (ready > 0) {
            wake.drain();
            drainKicks();
        }
        return ready > 0;
    }

    /** A kick that has not come is not read: that would be a system call for each queue. */
    private void drainKicks() {
        for (int i = 0; i < places.length; i++) {
            if (places[i] > 0 && poll.isReady(places[i])) {
                kicks.get(i).drain();
            }
        }
    }

    /** Ends the wait in progress, or the next one if there is none. */
    public synchronized void wakeUp() {
        if (!closed) {
            wake.signal();
        }
    }

    private void closeKicks() {
        kicks.forEach(KickSource::close);
        kicks.clear();
    }

    /** Closes what this holds; nobody may wait any more. */
    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            closeKicks();
            wake.close();
        }
    }
}
