package io.vhost.device;

import io.vhost.memory.DirtyLog;
import io.vhost.memory.GuestMemory;
import io.vhost.os.EventFd;
import io.vhost.ring.RingAddresses;
import io.vhost.ring.RingFormat;
import io.vhost.ring.DeviceRing;

/**
 * What the front-end has said about one ring so far: the messages come one by one and in its own order. Used
 * under the queue's lock.
 */
final class RingSetup {
    int size;
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
    long usedLogAddress = DeviceRing.NOT_LOGGED;
    DirtyLog log;
    EventFd kick;
    EventFd call;
    EventFd error;

    /**
     * Finds the three areas in {@code memory}, complete and aligned.
     *
     * @return null while the size or the memory table is not known; the alignment is checked all the same
     */
    RingAddresses locate(
            int queue, RingFormat format, GuestMemory memory, long desc, long avail, long used)
            throws ControlException {
        requireAligned(queue, "descriptor area", desc, RingFormat.DESC_ALIGNMENT);
        requireAligned(queue, "driver area", avail, format.driverAlignment());
        requireAligned(queue, "device area", used, format.deviceAlignment());
        if (memory == null || size == 0) {
            return null;
        }
        return new RingAddresses(
                locate(queue, memory, "descriptor area", desc, format.descBytes(size),
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

    private static void requireAligned(int queue, String area, long address, int alignment)
            throws ControlException {
        if ((address & (alignment - 1)) != 0) {
            throw new ControlException("queue %d: %s at 0x%x is not aligned to %d bytes"
                    .formatted(queue, area, address, alignment));
        }
    }

    void closeDescriptors() {
        kick = replace(kick, null);
        call = replace(call, null);
        error = replace(error, null);
    }

    /** Closes the old descriptor and names the new one. */
    static EventFd replace(EventFd old, EventFd replacement) {
        if (old != null) {
            old.close();
        }
        return replacement;
    }
}
