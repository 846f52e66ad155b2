package io.vhost.device;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.vhost.os.Descriptor;
import io.vhost.os.EventFd;
import io.vhost.os.InterruptWatch;
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
 * <p>A queue from a guest has work when the guest has sent packets, one to a guest when the guest has offered
 * buffers: so a sender waits for room.
 *
 * <p>Thread: one waits; {@link #wakeUp} and {@link #close} may be called by any, with any lock held. Both end
 * the wait, as {@link Thread#interrupt} of the waiting thread does, which stays set: as with a
 * {@link java.nio.channels.Selector}. A queue has one waiter at a time, the last that named it. A queue
 * whose front-end sends no kicks is looked at once a millisecond, and so is one whose kick descriptor goes on
 * ending waits without any work, until there is some.
 *
 * <p>No kick is lost: the wish for kicks is stored before the last look (virtio 1.2, 2.7.10), a kick that
 * comes after it makes the wait end, and so does each change of a queue by its front-end. A queue whose
 * front-end has gone ends every wait, so that nobody waits for it for ever: leave it out when
 * {@link DeviceListener#destroyDevice} tells of that.
 */
public final class QueueWaiter implements AutoCloseable {
    /** The time-out that never comes. */
    public static final int FOREVER = Poll.FOREVER;

    private static final int POLL_MILLIS = 1;

    private final EventFd wake = EventFd.create();
    /** One object, by which queues know who waits. */
    private final Runnable sleeper = this::wakeUp;
    private final InterruptWatch interrupts = new InterruptWatch(sleeper);
    private int[] others;
    /** By place among the others: whether it could be read when the last wait ended. */
    private boolean[] readable;
    private final List<KickSource> kicks = new ArrayList<>();
    /** By kick: its place among what is watched; 0: not. */
    private int[] places = {};
    private VirtQueue[] known = {};
    private Descriptor[] watched = {};
    private Poll poll = new Poll();
    @GuardedBy("this")
    private boolean waiting;
    @GuardedBy("this")
    private boolean closed;

    /** Waits for queues alone. */
    public QueueWaiter() {
        this(new int[0]);
    }

    /**
     * Waits for file descriptors of the application as well, such as an eventfd or a socket of its own.
     *
     * @param others numbers of descriptors that end a wait when they can be read; they stay the caller's, and
     *     open as long as this waits
     */
    public QueueWaiter(int... others) {
        this.others = others.clone();
        this.readable = new boolean[others.length];
    }

    /**
     * Waits for these file descriptors from the next wait on, instead of those that were given before. The
     * waiting thread's to call, between its waits; another thread ends the wait in progress with
     * {@link #wakeUp} when there are others.
     *
     * @param fds as for the constructor
     */
    public void watch(int... fds) {
        others = fds.clone();
        readable = new boolean[fds.length];
        watched = new Descriptor[0];
    }

    /**
     * Waits until a queue may have work, another descriptor can be read, {@link #wakeUp} or {@link #close}
     * was called, the thread is interrupted, or the time is over. Takes each queue's lock for a moment, so do
     * not call it while holding one.
     *
     * @param timeoutMillis how long at most, in milliseconds; {@link #FOREVER}: without limit
     * @param queues queues of any devices, from guests and to them
     * @return false when the time was over
     * @throws IllegalStateException when this is closed, another thread waits, or one of the other
     *     descriptors is closed
     */
    public boolean await(int timeoutMillis, VirtQueue... queues) {
        begin();
        try {
            return awaitOpen(timeoutMillis, queues);
        } finally {
            end();
        }
    }

    private synchronized void begin() {
        if (closed) {
            throw new IllegalStateException("the waiter is closed: make another one");
        }
        if (waiting) {
            throw new IllegalStateException(
                    "another thread waits here: give each thread a waiter of its own");
        }
        waiting = true;
    }

    private synchronized void end() {
        waiting = false;
        if (closed) {
            release();
        }
    }

    /**
     * Whether one of the other descriptors could be read when {@link #await} returned last. The waiting
     * thread's to ask.
     *
     * @param fd one of those that were given to the constructor, or to {@link #watch}
     */
    public boolean isReadable(int fd) {
        for (int i = 0; i < others.length; i++) {
            if (others[i] == fd) {
                return readable[i];
            }
        }
        throw new IllegalArgumentException("fd=" + fd + " is not waited for, but " + Arrays.toString(others));
    }

    private boolean awaitOpen(int timeoutMillis, VirtQueue... queues) {
        Arrays.fill(readable, false);
        if (!Arrays.equals(queues, known)) {
            know(queues);
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
                switch (queues[number].armFor(sleeper, kick)) {
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
                queues[i].disarmed(sleeper);
            }
        }
    }

    private void know(VirtQueue... queues) {
        closeKicks();
        known = queues.clone();
        places = new int[queues.length];
        for (int i = 0; i < queues.length; i++) {
            kicks.add(new KickSource());
        }
    }

    private boolean sleep(List<Descriptor> watch, int timeout) {
        Descriptor[] now = watch.toArray(Descriptor[]::new);
        if (!Arrays.equals(now, watched)) {
            watched = now;
            poll = new Poll(now, others);
        }
        int ready;
        interrupts.begin();
        try {
            ready = poll.await(timeout);
        } finally {
            interrupts.end();
        }
        if (ready > 0) {
            wake.drain();
            drainKicks();
            for (int i = 0; i < others.length; i++) {
                readable[i] = poll.isReady(watched.length + i);
            }
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

    @GuardedBy("this")
    private void release() {
        closeKicks();
        wake.close();
    }

    private void closeKicks() {
        kicks.forEach(KickSource::close);
        kicks.clear();
    }

    /**
     * Ends the wait in progress as {@link #wakeUp} does, and frees what this holds; nobody may wait any more.
     */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        if (waiting) {
            wake.signal();
        } else {
            release();
        }
    }
}
