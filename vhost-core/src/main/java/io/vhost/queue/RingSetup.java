package io.vhost.queue;

import io.vhost.memory.DirtyLog;
import io.vhost.memory.GuestMemory;
import io.vhost.memory.InflightRegion;
import io.vhost.os.EventFd;
import io.vhost.ring.DeviceRing;
import io.vhost.ring.RingAddresses;
import io.vhost.ring.RingFormat;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * What the front-end has said about one ring so far: the messages come one by one and in its own order. Used
 * under the queue's lock.
 */
public final class RingSetup {
    /** No ring has it. */
    static final int SIZE_UNKNOWN = 0;

    int size = SIZE_UNKNOWN;
    boolean addressed;
    long descUser;
    long availUser;
    long usedUser;
    /** Where the ring goes on, as front-ends code it; null: at its start. */
    Integer base;
    /** The position was given anew, so the used index in memory knows better after a device that died. */
    boolean freshBase;
    boolean started;
    boolean enabled;
    /** What the front-end has said of it; a ring may be enabled without. */
    boolean enableAsked;
    /** Guest address of the device area for the dirty log. */
    long deviceAreaLogAddress = DeviceRing.NOT_LOGGED;
    DirtyLog dirtyLog;
    /** Where what is in flight is noted; null: nowhere. The device keeps it mapped while it is here. */
    InflightRegion inflight;
    EventFd kick;
    EventFd call;
    final Signals interrupts;
    EventFd error;
    final Signals errors;
    /** To be closed by the connection's thread, which alone changes this, when the lock is free. */
    final List<EventFd> replaced = new ArrayList<>();

    RingSetup(SignalWorker worker) {
        interrupts = new Signals(worker);
        errors = new Signals(worker);
    }

    /** Where the ring goes on; refused where the size or the format, known only now, does not have it. */
    int base(int queue, RingFormat format) throws ControlException {
        if (base == null) {
            return format.start();
        }
        requireBase(queue, format, base, size);
        return base;
    }

    /**
     * Refuses what is no position.
     *
     * @param size of the ring, or {@link #SIZE_UNKNOWN}
     */
    static void requireBase(int queue, RingFormat format, int value, int size) throws ControlException {
        String refusal = format.refusal(value, size);
        if (refusal != null) {
            throw new ControlException("queue %d: %s".formatted(queue, refusal));
        }
    }

    static void requireSize(int queue, RingFormat format, int size) throws ControlException {
        if (!format.accepts(size)) {
            throw new ControlException("queue %d: size %s of a %s ring is not %s".formatted(
                    queue, Integer.toUnsignedString(size), format.text(), format.sizes()));
        }
    }

    /**
     * Finds the three areas of a ring that is to be started. Its size is looked at again: the format may have
     * changed since it was given.
     */
    RingAddresses locate(int queue, RingFormat format, GuestMemory memory) throws ControlException {
        RingAddresses addresses = addressed
                ? locate(queue, format, memory, descUser, availUser, usedUser) : null;
        if (addresses == null) {
            throw new ControlException(
                    "queue %d was started before its size, its addresses and the memory table"
                    .formatted(queue));
        }
        requireSize(queue, format, size);
        return addresses;
    }

    /**
     * Finds the three areas in {@code memory}, complete and aligned.
     *
     * @return null while the size or the memory table is not known; the alignment is checked all the same
     */
    RingAddresses locate(
            int queue, RingFormat format, GuestMemory memory, long desc, long avail, long used)
            throws ControlException {
        requireAligned(queue, "descriptor table", desc, RingFormat.DESC_ALIGNMENT);
        requireAligned(queue, "driver area", avail, format.driverAlignment());
        requireAligned(queue, "device area", used, format.deviceAlignment());
        if (memory == null || size == 0) {
            return null;
        }
        return new RingAddresses(
                locate(queue, memory, "descriptor table", desc, format.descBytes(size),
                        RingFormat.DESC_ALIGNMENT),
                locate(queue, memory, "driver area", avail, format.driverBytes(size),
                        format.driverAlignment()),
                locate(queue, memory, "device area", used, format.deviceBytes(size),
                        format.deviceAlignment()));
    }

    private static long locate(
            int queue, GuestMemory memory, String area, long user, long bytes, int alignment)
            throws ControlException {
        long offset = memory.translateUser(user, bytes);
        if (offset < 0) {
            throw new ControlException("queue %d: %s at 0x%x with %d bytes is not inside the memory table"
                    .formatted(queue, area, user, bytes));
        }
        requireAligned(queue, area, memory.window().address() + offset, alignment);
        return offset;
    }

    /**
     * The queue's part of the in-flight region.
     *
     * @return null where nothing is tracked
     */
    MemorySegment inflightPart(int queue, RingFormat format) throws ControlException {
        if (inflight == null) {
            return null;
        }
        long bytes = format.inflightBytes(size);
        if (inflight.queueSize() != size || InflightRegion.bytes(queue + 1, bytes) > inflight.size()) {
            throw new ControlException(
                    "queue %d: in-flight region of %d bytes for rings of %d entries, not for a %s ring of %d"
                            .formatted(queue, inflight.size(), inflight.queueSize(), format.text(), size));
        }
        return inflight.part(queue, bytes);
    }

    private static void requireAligned(int queue, String area, long address, int alignment)
            throws ControlException {
        if ((address & (alignment - 1)) != 0) {
            throw new ControlException("queue %d: %s at 0x%x is not aligned to %d bytes"
                    .formatted(queue, area, address, alignment));
        }
    }

    /** Says where the areas lie, and where writes to the device area are logged. */
    public void place(RingAddresses user, long deviceAreaLog) {
        descUser = user.desc();
        availUser = user.avail();
        usedUser = user.used();
        deviceAreaLogAddress = deviceAreaLog;
        addressed = true;
    }

    /** Starts the ring; {@code eventFd} is signalled when chains are offered, null: it is polled. */
    public void start(EventFd eventFd) {
        kick = replace(kick, eventFd);
        started = true;
    }

    /** Stops the ring. */
    public void stop() {
        started = false;
        kick = replace(kick, null);
    }

    /** Enables or disables the ring, as the front-end says. */
    public void enable(boolean wanted) {
        enableAsked = wanted;
        enabled = wanted;
    }

    /** Enables the ring if rings are enabled from the start, or if the front-end has said so already. */
    public void enableFromStart(boolean fromStart) {
        enabled = fromStart || enableAsked;
    }

    /**
     * Where what is in flight is noted from the next start on; null: nowhere.
     *
     * @param region one that has a part for this queue; the caller keeps it mapped until it is replaced here
     */
    public void inflight(InflightRegion region) {
        inflight = region;
    }

    /** What is signalled when the guest breaks a rule; null: nothing. */
    public void error(EventFd eventFd) {
        error = replace(error, eventFd);
        errors.follow(eventFd);
    }

    void closeDescriptors() {
        kick = replace(kick, null);
        call(null);
        error(null);
    }

    void call(EventFd eventFd) {
        call = replace(call, eventFd);
        interrupts.follow(eventFd);
    }

    /** {@return the new one; the old one is closed when the lock is free} */
    private EventFd replace(EventFd old, EventFd replacement) {
        if (old != null) {
            replaced.add(old);
        }
        return replacement;
    }
}
