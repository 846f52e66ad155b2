package io.vhost.control;

import io.vhost.device.VhostDevice;
import io.vhost.memory.DirtyLog;
import io.vhost.memory.GuestMemory;
import io.vhost.memory.InflightRegion;
import io.vhost.os.Descriptor;
import io.vhost.os.EventFd;
import io.vhost.os.OsException;
import io.vhost.queue.ControlException;
import io.vhost.queue.QueueAccess;
import io.vhost.queue.QueueControl;
import io.vhost.queue.RingChange;
import io.vhost.ring.RingFormat;
import io.vhost.ring.RingOptions;

/**
 * The rings of one device as its transport changes them: stopped, changed, and started again where the front-
 * end's memory is now. Thread: the connection's, and no other. No lock may be held by the caller.
 */
final class DeviceRings {
    private final VhostDevice device;
    /** What rings are located in; null while there is none. */
    private GuestMemory table;

    DeviceRings(VhostDevice device) {
        this.device = device;
    }

    int count() {
        return device.queueCount();
    }

    /** The format of every ring, as negotiated. */
    RingFormat format() {
        return NetworkRings.format(device.features());
    }

    GuestMemory table() {
        return table;
    }

    QueueControl control(int queue) throws ControlException {
        requireQueue(queue);
        return QueueAccess.control(device.queue(queue));
    }

    private void requireQueue(int queue) throws ControlException {
        if (queue < 0 || queue >= count()) {
            throw new ControlException("queue %s does not exist: there are %d"
                    .formatted(Integer.toUnsignedString(queue), count()));
        }
    }

    QueueControl requireStopped(int queue, String what) throws ControlException {
        QueueControl control = control(queue);
        if (control.isAttached()) {
            throw new ControlException(
                    "queue %d: %s cannot change while the ring is started".formatted(queue, what));
        }
        return control;
    }

    /** Stops one ring for a change and starts it again. */
    void restart(int queue, RingChange change) throws ControlException {
        RingOptions options = NetworkRings.options(device.features(), device.queue(queue).isToGuest());
        control(queue).restart(change, table, format(), options);
    }

    /**
     * Moves all rings to another table; none of them touches the old one afterwards.
     *
     * @throws ControlException when a started ring is not in it, which then stands still
     */
    void move(GuestMemory replacement) throws ControlException {
        for (int i = 0; i < count(); i++) {
            control(i).stop();
        }
        GuestMemory old = table;
        table = replacement;
        if (old != null) {
            old.release();
        }
        ControlException refusal = null;
        for (int i = 0; i < count(); i++) {
            try {
                restart(i, _ -> { });
            } catch (ControlException e) {
                refusal = e;
            }
        }
        if (refusal != null) {
            throw refusal;
        }
    }

    /** Where all rings log what they write; null: nowhere. */
    void dirtyLog(DirtyLog dirtyLog) {
        for (int i = 0; i < count(); i++) {
            QueueAccess.control(device.queue(i)).dirtyLog(dirtyLog);
        }
    }

    /** Where rings note what they have in flight, from their next start on; null: nowhere. */
    void inflight(InflightRegion region) {
        for (int i = 0; i < count(); i++) {
            boolean tracked = region != null && i < region.queues();
            QueueAccess.control(device.queue(i)).inflight(tracked ? region : null);
        }
    }

    /** Lets go of the table. Every ring has been stopped. */
    void releaseTable() {
        if (table != null) {
            table.release();
            table = null;
        }
    }

    /** What is done with an eventfd. */
    @FunctionalInterface
    interface EventFdUse {
        void accept(EventFd eventFd) throws ControlException;
    }

    /**
     * Hands a descriptor on as an eventfd. The change keeps it even when the request is refused afterwards.
     */
    void withDescriptor(int queue, Descriptor descriptor, EventFdUse use) throws ControlException {
        try {
            requireQueue(queue);
        } catch (ControlException e) {
            if (descriptor != null) {
                descriptor.close();
            }
            throw e;
        }
        try {
            use.accept(descriptor == null ? null : EventFd.adopt(descriptor));
        } catch (OsException e) {
            throw new ControlException(
                    "queue %d: descriptor cannot be signalled: %s".formatted(queue, e.getMessage()), e);
        }
    }
}
