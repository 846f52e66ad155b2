package io.vhost.control;

import io.vhost.device.Feature;
import io.vhost.device.VhostConfig;
import io.vhost.limit.account.ServerAccount;
import io.vhost.memory.DirtyLog;
import io.vhost.memory.GuestMemory;
import io.vhost.memory.MemoryRules;
import io.vhost.os.Descriptor;
import io.vhost.queue.ControlException;
import io.vhost.state.MemoryBacking;
import io.vhost.state.MemoryRegion;
import java.util.List;

/**
 * What a front-end shares of its memory, and the log of what is written there.
 *
 * <p>Thread: the connection's, and no other. No lock may be held by the caller. Descriptors passed in are
 * taken over, whatever the outcome. While the memory changes every ring stands still; afterwards it is
 * located anew and goes on where it was.
 */
public final class DeviceMemory {
    private final DeviceVoice voice;
    private final DeviceRings rings;
    private final MemoryAccount account;
    private final MemorySlots slots;
    private final MemoryNotice notice;
    /** Whether regions of a whole table may be added to and removed, for which its files are kept. */
    private boolean addable;
    /** Null while there is none. */
    private DirtyLog dirtyLog;
    private final DeviceInflight inflight;

    DeviceMemory(DeviceVoice voice, DeviceRings rings, ServerAccount server, VhostConfig config) {
        this.voice = voice;
        this.rings = rings;
        this.account = new MemoryAccount(server, config.limits(),
                new MemoryRules(config.sealedMemory(), config.anyFile()));
        this.slots = new MemorySlots(account);
        this.notice = new MemoryNotice(voice);
        this.inflight = new DeviceInflight(rings, account);
    }

    /** Where what is in flight is noted. */
    public DeviceInflight inflight() {
        return inflight;
    }

    /** {@return the present regions} */
    public List<MemoryRegion> regions() {
        return rings.table() == null ? List.of() : rings.table().regions();
    }

    /** {@return what their files are, in their order} */
    List<MemoryBacking> backings() {
        return rings.table() == null ? List.of() : rings.table().backings();
    }

    /** {@return the size of the bitmap for dirty pages; 0 while there is none} */
    long logBytes() {
        return dirtyLog == null ? 0 : dirtyLog.size();
    }

    /** Regions may from now on be added and removed one by one, also after a whole table. */
    public void addable(boolean negotiated) {
        addable = negotiated;
    }

    /**
     * Replaces the whole table, with what was added to it.
     *
     * @param regions the new table
     * @param files one descriptor for each region
     * @throws ControlException when the table is invalid or exceeds a limit or the log in use, and then the
     *     old one stays; or when it lacks the ring of a started queue, which then stands still
     */
    public void replace(List<MemoryRegion> regions, List<Descriptor> files) throws ControlException {
        GuestMemory replacement;
        try {
            replacement = map(regions, files);
        } catch (ControlException | RuntimeException | Error e) {
            files.forEach(Descriptor::close);
            throw e;
        }
        if (addable) {
            slots.replace(regions, files);
        } else {
            slots.clear();
            files.forEach(Descriptor::close);
        }
        move(replacement);
    }

    private void move(GuestMemory replacement) throws ControlException {
        notice.look(replacement);
        rings.move(replacement);
        news();
    }

    private void news() {
        long bytes = regions().stream().mapToLong(MemoryRegion::size).sum();
        voice.say("memory mapped: regions=%d bytes=%d".formatted(regions().size(), bytes));
    }

    private GuestMemory map(List<MemoryRegion> regions, List<Descriptor> files) throws ControlException {
        GuestMemory mapped = account.map(regions, files);
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
        return account.regions();
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
            move(replacement);
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
            rings.move(slots.isEmpty() ? null : slots.mapSmaller());
            news();
        }
    }

    /**
     * Sets where dirty pages are logged while that is negotiated; also while it is under way.
     *
     * @param file the bitmap
     * @param offset of its first byte in the file
     * @param size bytes
     * @throws ControlException when it cannot be mapped, exceeds a limit or has no room for all memory; the
     *     old log stays
     */
    public void dirtyLog(Descriptor file, long offset, long size) throws ControlException {
        DirtyLog replacement = account.mapLog(file, offset, size);
        GuestMemory table = rings.table();
        if (table != null && !replacement.covers(table)) {
            replacement.release();
            throw tooSmall(size, table);
        }
        DirtyLog old = dirtyLog;
        dirtyLog = replacement;
        applyDirtyLog();
        if (old != null) {
            old.release();
        }
    }

    /** While pages are logged, one that has no bit would be lost in the migration. */
    private void requireLogged(GuestMemory replacement) throws ControlException {
        if (voice.device().has(Feature.VHOST_F_LOG_ALL)
                && dirtyLog != null && !dirtyLog.covers(replacement)) {
            throw tooSmall(dirtyLog.size(), replacement);
        }
    }

    private static ControlException tooSmall(long size, GuestMemory memory) {
        return new ControlException("dirty log of %d bytes is too small for the memory table %s"
                .formatted(size, memory.regions()));
    }

    /** Begins or ends logging, as the features now say. */
    void applyDirtyLog() {
        rings.dirtyLog(voice.device().has(Feature.VHOST_F_LOG_ALL) ? dirtyLog : null);
    }

    /** Lets go of everything. Every ring has been stopped and none logs. */
    void release() {
        rings.releaseTable();
        if (dirtyLog != null) {
            dirtyLog.release();
            dirtyLog = null;
        }
        inflight.release();
        slots.clear();
    }
}
