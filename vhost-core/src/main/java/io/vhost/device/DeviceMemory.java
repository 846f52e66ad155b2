package io.vhost.device;

import io.vhost.memory.DirtyLog;
import io.vhost.memory.GuestMemory;
import io.vhost.memory.MemoryRegion;
import io.vhost.memory.MemoryTableException;
import io.vhost.os.Descriptor;
import io.vhost.ring.RingFormat;
import java.util.List;

/**
 * What a front-end shares of its memory, and the log of what is written there.
 *
 * <p>Thread: the connection's, and no other. No lock may be held by the caller. Descriptors passed in are
 * taken over, whatever the outcome. While the memory changes every ring stands still; afterwards it is
 * located anew and goes on where it was.
 */
@SuppressWarnings("exports") // Descriptors are for transports, which are in this module.
public final class DeviceMemory {
    private final VhostDevice device;
    private final MemorySlots slots = new MemorySlots();
    /** Whether regions of a whole table may be added to and removed, for which its files are kept. */
    private boolean addable;
    /** Null while there is none. */
    private GuestMemory table;
    private DirtyLog log;

    DeviceMemory(VhostDevice device) {
        this.device = device;
    }

    /** {@return what rings are located in; null while there is none} */
    GuestMemory table() {
        return table;
    }

    /** {@return the present regions} */
    List<MemoryRegion> regions() {
        return table == null ? List.of() : table.regions();
    }

    /** {@return the page sizes of their files, in bytes and in their order} */
    List<Long> pageSizes() {
        return table == null ? List.of() : table.pageSizes();
    }

    /** {@return the size of the bitmap for dirty pages; 0 while there is none} */
    long logBytes() {
        return log == null ? 0 : log.size();
    }

    /** Regions may from now on be added and removed one by one, also after a whole table. */
    void addable(boolean negotiated) {
        addable = negotiated;
    }

    /**
     * Replaces the whole table, with what was added to it.
     *
     * @param regions the new table
     * @param files one descriptor for each region
     * @throws ControlException when the table is invalid or exceeds the log in use, and then the old one
     *     stays; or when it lacks the ring of a started queue, which then stands still
     */
    public void replace(List<MemoryRegion> regions, List<Descriptor> files) throws ControlException {
        List<Descriptor> kept;
        try {
            kept = addable ? MemorySlots.duplicates(files) : List.of();
        } catch (ControlException e) {
            files.forEach(Descriptor::close);
            throw e;
        }
        GuestMemory replacement;
        try {
            replacement = map(regions, files);
        } catch (ControlException e) {
            kept.forEach(Descriptor::close);
            throw e;
        }
        slots.replace(regions, kept);
        use(replacement);
    }

    private GuestMemory map(List<MemoryRegion> regions, List<Descriptor> files) throws ControlException {
        GuestMemory mapped;
        try {
            mapped = GuestMemory.map(regions, files);
        } catch (MemoryTableException e) {
            throw new ControlException(e.getMessage(), e);
        }
        try {
            requireLogged(mapped);
        } catch (ControlException e) {
            mapped.release();
            throw e;
        }
        return mapped;
    }

    /** {@return how many regions can be added one by one} */
    public int slots() {
        return GuestMemory.MAX_REGIONS;
    }

    /**
     * Adds one region to those that are there, in a table or added.
     * A region that is there already is accepted.
     *
     * @param region the region
     * @param file its file
     * @throws ControlException as for {@link #replace}
     */
    public void add(MemoryRegion region, Descriptor file) throws ControlException {
        GuestMemory replacement = slots.add(region, file);
        if (replacement != null) {
            try {
                requireLogged(replacement);
            } catch (ControlException e) {
                replacement.release();
                slots.remove(region);
                throw e;
            }
            use(replacement);
        }
    }

    /**
     * Removes one region, given by its addresses and its size.
     *
     * @param region the region
     * @throws ControlException when it is not there, or holds the ring of a started queue,
     *     which then stands still
     */
    public void remove(MemoryRegion region) throws ControlException {
        if (slots.remove(region)) {
            use(slots.isEmpty() ? null : slots.map());
        }
    }

    /**
     * Sets where dirty pages are logged while that is negotiated; also while it is under way.
     *
     * @param file the bitmap
     * @param offset of its first byte in the file
     * @param size bytes
     * @throws ControlException when it cannot be mapped or has no room for all memory; the old log stays
     */
    public void log(Descriptor file, long offset, long size) throws ControlException {
        DirtyLog replacement;
        try {
            replacement = DirtyLog.map(file, offset, size);
        } catch (MemoryTableException e) {
            throw new ControlException(e.getMessage(), e);
        }
        if (table != null && !replacement.covers(table)) {
            replacement.release();
            throw tooSmall(size, table);
        }
        DirtyLog old = log;
        log = replacement;
        applyLog();
        if (old != null) {
            old.release();
        }
    }

    /** While pages are logged, one that has no bit would be lost in the migration. */
    private void requireLogged(GuestMemory replacement) throws ControlException {
        if (Feature.VHOST_F_LOG_ALL.in(device.features()) && log != null && !log.covers(replacement)) {
            throw tooSmall(log.size(), replacement);
        }
    }

    private static ControlException tooSmall(long size, GuestMemory memory) {
        return new ControlException("dirty log of %d bytes is too small for the memory table %s"
                .formatted(size, memory.regions()));
    }

    /** Begins or ends logging, as the features now say. */
    void applyLog() {
        DirtyLog used = Feature.VHOST_F_LOG_ALL.in(device.features()) ? log : null;
        for (int i = 0; i < device.queueCount(); i++) {
            device.queue(i).control().log(used);
        }
    }

    /** Lets go of everything. Every ring has been stopped and none logs. */
    void release() {
        if (table != null) {
            table.release();
            table = null;
        }
        if (log != null) {
            log.release();
            log = null;
        }
        slots.clear();
    }

    private void use(GuestMemory replacement) throws ControlException {
        for (int i = 0; i < device.queueCount(); i++) {
            device.queue(i).control().stop();
        }
        GuestMemory old = table;
        table = replacement;
        if (old != null) {
            old.release();
        }
        ControlException refusal = null;
        for (int i = 0; i < device.queueCount(); i++) {
            try {
                restart(i, setup -> {});
            } catch (ControlException e) {
                refusal = e;
            }
        }
        if (refusal != null) {
            throw refusal;
        }
    }

    /** {@return the format of every ring, as negotiated} */
    RingFormat ringFormat() {
        return QueueFormat.layout(device.features());
    }

    /** Changes a ring that is stopped for it, and starts it again in the present memory. */
    void restart(int queue, QueueControl.Change change) throws ControlException {
        device.queue(queue).control()
                .restart(change, table, QueueFormat.of(device.features(), (queue & 1) == 0));
    }
}
