package io.vhost.device;

import io.vhost.memory.GuestMemory;
import io.vhost.memory.MemoryRegion;
import io.vhost.os.EventFd;
import io.vhost.ring.RingViolation;
import io.vhost.ring.SplitLayout;
import io.vhost.ring.SplitRing;

/** Takes snapshots of a queue, under its lock. Guest memory is not looked at. */
final class QueueInspector {
    private static final QueueSnapshot.Area NOWHERE = new QueueSnapshot.Area(0, 0, 0, 0);

    private QueueInspector() {}

    static QueueSnapshot snapshot(
            VirtQueue queue, RingSetup setup, ActiveRing active, AsyncChannel async, RingViolation violation) {
        SplitRing ring = active == null ? null : active.ring();
        GuestMemory memory = active == null ? null : active.memory();
        return new QueueSnapshot(
                queue.index(),
                queue.isRunning(),
                setup.started,
                setup.enabled,
                ring != null,
                setup.size,
                ring == null ? setup.base : ring.nextAvail(),
                ring == null ? setup.base : ring.knownAvailIdx(),
                ring == null ? setup.base : ring.nextUsed(),
                ring == null ? 0 : ring.signalledUsed(),
                ring != null && ring.hasSignalled(),
                area(memory, setup.descUser, SplitLayout.descBytes(setup.size)),
                area(memory, setup.availUser, SplitLayout.availBytes(setup.size)),
                area(memory, setup.usedUser, SplitLayout.usedBytes(setup.size)),
                number(setup.kick),
                number(setup.call),
                async != null,
                async == null ? 0 : async.inFlight(),
                async == null ? 0 : async.copies().oldestAge(System.nanoTime()),
                async == null ? "" : async.channelName(),
                violation);
    }

    private static QueueSnapshot.Area area(GuestMemory memory, long user, long bytes) {
        if (memory == null) {
            return NOWHERE;
        }
        for (MemoryRegion region : memory.regions()) {
            long distance = user - region.userAddress();
            if (Long.compareUnsigned(distance, region.size()) < 0) {
                return new QueueSnapshot.Area(region.guestAddress() + distance, user,
                        memory.window().address() + memory.translateUser(user, bytes), bytes);
            }
        }
        return NOWHERE;
    }

    private static int number(EventFd eventFd) {
        return eventFd == null ? -1 : eventFd.descriptor().fd();
    }
}
