package io.vhost.queue;

import io.vhost.memory.GuestMemory;
import io.vhost.ring.RingFormat;
import io.vhost.state.MemoryRegion;
import io.vhost.state.QueueSnapshot.Area;

/**
 * Where the three areas of a ring lie, for those who look on.
 *
 * @param desc descriptor table
 * @param avail driver area
 * @param used device area
 */
record RingPlace(Area desc, Area avail, Area used) {
    /** Of a ring that is not in memory. */
    static final RingPlace NONE =
            new RingPlace(new Area(0, 0, 0, 0), new Area(0, 0, 0, 0), new Area(0, 0, 0, 0));

    static RingPlace of(GuestMemory memory, RingSetup setup, RingFormat format) {
        return new RingPlace(
                area(memory, setup.descUser, format.descBytes(setup.size)),
                area(memory, setup.availUser, format.driverBytes(setup.size)),
                area(memory, setup.usedUser, format.deviceBytes(setup.size)));
    }

    private static Area area(GuestMemory memory, long user, long bytes) {
        for (MemoryRegion region : memory.regions()) {
            long distance = user - region.userAddress();
            if (Long.compareUnsigned(distance, region.size()) < 0) {
                return new Area(region.guestAddress() + distance, user,
                        memory.window().address() + memory.translateUser(user, bytes), bytes);
            }
        }
        return NONE.desc;
    }
}
