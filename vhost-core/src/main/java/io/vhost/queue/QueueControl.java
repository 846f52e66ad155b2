package io.vhost.queue;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.vhost.memory.DirtyLog;
import io.vhost.memory.GuestMemory;
import io.vhost.memory.InflightRegion;
import io.vhost.os.EventFd;
import io.vhost.ring.RingAddresses;
import io.vhost.ring.RingFormat;
import io.vhost.ring.RingOptions;
import io.vhost.state.AccessLock;
import java.util.List;

/**
 * The transport's side of one queue: changes to its set-up, each made under the queue's lock.
 *
 * <p>Thread: the connection's, and no other. Bursts are told to leave before the lock is taken for a change
 * that stops the ring, so a thread that polls without pause does not hold it up.
 */
public final class QueueControl {
    private final int index;
    private final AccessLock lock;
    private final QueueGate gate;

    @GuardedBy("lock")
    private final QueueLife life;
    private final List<EventFd> replaced;

    QueueControl(int index, AccessLock lock, QueueGate gate, QueueLife life) {
        this.index = index;
        this.lock = lock;
        this.gate = gate;
        this.life = life;
        this.replaced = life.setup().replaced;
    }

    /** Makes a change that leaves the ring where it is. */
    public void change(RingChange change) throws ControlException {
        lock.lock();
        try {
            change.apply(life.setup());
        } finally {
            lock.unlock();
            closeReplaced();
        }
    }

    /**
     * Makes a change for which the ring is stopped and, if it is complete and started, started again.
     *
     * @param change what to change
     * @param memory the table that the ring is located in; null while there is none
     * @param format of the ring
     * @param options negotiated features and direction
     */
    public void restart(RingChange change, GuestMemory memory, RingFormat format, RingOptions options)
            throws ControlException {
        gate.open(false);
        lock.lock();
        try {
            life.restart(change, memory, format, options);
        } finally {
            lock.unlock();
            closeReplaced();
        }
    }

    /** Stops the ring, and tells the owner. */
    public void stop() {
        gate.open(false);
        lock.lock();
        try {
            life.stop();
        } finally {
            lock.unlock();
            closeReplaced();
        }
    }

    /** Whether the ring has been located and started. */
    public boolean isAttached() {
        lock.lock();
        try {
            return life.isAttached();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Sets the number of entries.
     *
     * @throws ControlException if the format has no such ring
     */
    public void size(int size, RingFormat format) throws ControlException {
        RingSetup.requireSize(index, format, size);
        change(setup -> setup.size = size);
    }

    /**
     * Sets where the ring goes on, coded as in SET_VRING_BASE. The size may still change, so that only the
     * start of the ring judges whether the position is one of so many entries.
     *
     * @throws ControlException if that is no position of any such ring
     */
    public void base(int base, RingFormat format) throws ControlException {
        lock.lock();
        try {
            life.base(base, format);
        } finally {
            lock.unlock();
        }
    }

    /** A position in a ring of one format says nothing of one in another. */
    public void forgetBase() throws ControlException {
        change(setup -> setup.base = null);
    }

    /** Where the ring goes on, coded as in GET_VRING_BASE, which is always answered. */
    public int base(RingFormat format) throws ControlException {
        int[] base = new int[1];
        change(setup -> base[0] = setup.base == null ? format.start() : setup.base);
        return base[0];
    }

    /**
     * Refuses addresses, of the front-end's process, at which the ring cannot be. The ring is not disturbed.
     *
     * @param user desc, avail and used as the front-end gives them
     * @param memory the table that they must be in; null while there is none
     * @param format of the ring
     */
    public void requireAddresses(RingAddresses user, GuestMemory memory, RingFormat format)
            throws ControlException {
        change(setup -> setup.locate(index, format, memory, user.desc(), user.avail(), user.used()));
    }

    /** Replaces what interrupts the guest, while the ring goes on. */
    public void call(EventFd eventFd) {
        boolean owed;
        lock.lock();
        try {
            owed = life.call(eventFd);
        } finally {
            lock.unlock();
            closeReplaced();
        }
        if (owed) {
            eventFd.signal();
        }
    }

    /** Where writes are logged from now on; null: nowhere. */
    public void dirtyLog(DirtyLog dirtyLog) {
        lock.lock();
        try {
            life.dirtyLog(dirtyLog);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Where what is in flight is noted from the next start of the ring on; null: nowhere.
     *
     * @param region as for {@link RingSetup#inflight}
     */
    public void inflight(InflightRegion region) {
        lock.lock();
        try {
            life.setup().inflight(region);
        } finally {
            lock.unlock();
        }
    }

    /** Something about the queue has changed, which a sleeping thread has to see. */
    public void wake() {
        gate.wake();
    }

    /** Closes the queue's descriptors, when the connection has gone. */
    public void closeDescriptors() {
        lock.lock();
        try {
            life.setup().closeDescriptors();
        } finally {
            lock.unlock();
            closeReplaced();
        }
    }

    /**
     * The last close of an eventfd that a front-end made ready for it takes the kernel many milliseconds, so
     * the lock must be free.
     */
    private void closeReplaced() {
        replaced.forEach(EventFd::close);
        replaced.clear();
    }
}
