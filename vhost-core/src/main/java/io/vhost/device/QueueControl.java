package io.vhost.device;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.vhost.memory.DirtyLog;
import io.vhost.memory.GuestMemory;
import io.vhost.os.EventFd;

/**
 * The transport's side of one queue: changes to its set-up, each made under the queue's lock.
 *
 * <p>Thread: the connection's, and no other. Bursts are told to leave before the lock is taken for a change
 * that stops the ring, so a thread that polls without pause does not hold it up.
 */
final class QueueControl {
    private final VirtQueue queue;

    @GuardedBy("queue.access_lock")
    private final QueueCore core;

    QueueControl(VirtQueue queue, QueueCore core) {
        this.queue = queue;
        this.core = core;
    }

    /** A change of the set-up, made under the lock. */
    interface Change {
        void apply(RingSetup setup) throws ControlException;
    }

    /** Makes a change that leaves the ring where it is. */
    void change(Change change) throws ControlException {
        queue.access_lock.lock();
        try {
            change.apply(core.setup());
        } finally {
            queue.access_lock.unlock();
        }
    }

    /** Makes a change for which the ring is stopped and, if it is complete and started, started again. */
    void restart(Change change, GuestMemory memory, QueueFormat format) throws ControlException {
        queue.running(false);
        queue.access_lock.lock();
        try {
            core.restart(change, memory, format);
        } finally {
            queue.access_lock.unlock();
        }
    }

    /** Stops the ring. */
    void stop() {
        queue.running(false);
        queue.access_lock.lock();
        try {
            core.stop();
        } finally {
            queue.access_lock.unlock();
        }
    }

    /** Whether the ring has been located and started. */
    boolean isAttached() {
        queue.access_lock.lock();
        try {
            return core.isAttached();
        } finally {
            queue.access_lock.unlock();
        }
    }

    /** Replaces what interrupts the guest, while the ring goes on. */
    void call(EventFd eventFd) {
        queue.access_lock.lock();
        try {
            core.call(eventFd);
        } finally {
            queue.access_lock.unlock();
        }
    }

    /** Where writes are logged from now on; null: nowhere. */
    void log(DirtyLog log) {
        queue.access_lock.lock();
        try {
            core.log(log);
        } finally {
            queue.access_lock.unlock();
        }
    }

    /** Closes the queue's descriptors, when the connection has gone. */
    void closeDescriptors() {
        queue.access_lock.lock();
        try {
            core.setup().closeDescriptors();
        } finally {
            queue.access_lock.unlock();
        }
    }
}
