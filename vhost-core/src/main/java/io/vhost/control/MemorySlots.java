package io.vhost.control;

import io.vhost.memory.GuestMemory;
import io.vhost.os.Descriptor;
import io.vhost.queue.ControlException;
import io.vhost.state.MemoryRegion;
import java.util.ArrayList;
import java.util.List;

/**
 * Memory regions that a front-end adds and removes one by one, perhaps after it has begun with a whole table.
 * Each change makes a new table of all of them, so their files stay open here. The connection's thread.
 *
 * <p>A front-end with several queue pairs may speak once for each of them: a region that was added n times is
 * removed when that was asked n times.
 */
final class MemorySlots {
    /** One region, its file, and how often it was added. */
    private static final class Slot {
        final MemoryRegion region;
        final Descriptor file;
        int additions = 1;

        Slot(MemoryRegion region, Descriptor file) {
            this.region = region;
            this.file = file;
        }

        /** The offset in the file is not told again when a region is removed. */
        boolean is(MemoryRegion other) {
            return region.guestAddress() == other.guestAddress()
                    && region.userAddress() == other.userAddress()
                    && region.size() == other.size();
        }
    }

    private final MemoryAccount account;
    private final List<Slot> slots = new ArrayList<>();

    MemorySlots(MemoryAccount account) {
        this.account = account;
    }

    /**
     * Adds a region.
     *
     * @param region the region
     * @param file taken over
     * @return the table with it; null when it was there already
     */
    GuestMemory add(MemoryRegion region, Descriptor file) throws ControlException {
        Slot present = find(region);
        if (present != null) {
            file.close();
            if (present.region.fileOffset() != region.fileOffset()) {
                throw new ControlException("memory region %s was added before as %s"
                        .formatted(region, present.region));
            }
            present.additions++;
            return null;
        }
        slots.add(new Slot(region, file));
        try {
            return account.map(regions(), files());
        } catch (ControlException | RuntimeException | Error e) {
            slots.removeLast().file.close();
            throw e;
        }
    }

    /**
     * Removes a region.
     *
     * @return whether the table has changed: {@link #mapSmaller} makes the new one
     */
    boolean remove(MemoryRegion region) throws ControlException {
        Slot present = find(region);
        if (present == null) {
            throw new ControlException("memory region %s was not added, there are %d"
                    .formatted(region, slots.size()));
        }
        if (--present.additions > 0) {
            return false;
        }
        slots.remove(present);
        present.file.close();
        return true;
    }

    boolean isEmpty() {
        return slots.isEmpty();
    }

    /** The table of the regions that are left after one was removed. */
    GuestMemory mapSmaller() throws ControlException {
        return account.mapSmaller(regions(), files());
    }

    private List<MemoryRegion> regions() {
        return slots.stream().map(slot -> slot.region).toList();
    }

    private List<Descriptor> files() {
        return slots.stream().map(slot -> slot.file).toList();
    }

    /** Begins anew with a whole table, whose files are taken over. */
    void replace(List<MemoryRegion> regions, List<Descriptor> files) {
        clear();
        for (int i = 0; i < files.size(); i++) {
            slots.add(new Slot(regions.get(i), files.get(i)));
        }
    }

    /** Forgets all regions. */
    void clear() {
        slots.forEach(slot -> slot.file.close());
        slots.clear();
    }

    private Slot find(MemoryRegion region) {
        return slots.stream().filter(slot -> slot.is(region)).findFirst().orElse(null);
    }
}
