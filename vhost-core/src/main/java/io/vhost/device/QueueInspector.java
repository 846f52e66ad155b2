package io.vhost.device;

import io.vhost.os.EventFd;
import io.vhost.ring.RingPositions;
import io.vhost.ring.RingViolation;
import io.vhost.ring.DeviceRing;

/** Takes snapshots of a queue, under its lock. Guest memory is not looked at. */
final class QueueInspector {
    private QueueInspector() {}

    static QueueSnapshot snapshot(
            VirtQueue queue, RingSetup setup, ActiveRing active, AsyncChannel async,
            RingViolation violation) {
        DeviceRing ring = active == null ? null : active.ring();
        RingPlace place = active == null ? RingPlace.NONE : active.place(setup);
        RingPositions at = ring == null ? RingPositions.UNKNOWN : ring.positions();
        return new QueueSnapshot(
                queue.index(),
                queue.isRunning(),
                setup.started,
                setup.enabled,
                ring != null,
                setup.size,
                ring == null ? base(setup) : at.nextAvail(),
                ring == null ? base(setup) : at.knownAvail(),
                ring == null ? base(setup) : at.nextUsed(),
                at.signalledUsed(),
                at.signalled(),
                place.desc(),
                place.avail(),
                place.used(),
                number(setup.kick),
                number(setup.call),
                async != null,
                async == null ? 0 : async.inFlight(),
                async == null ? 0 : async.copies().oldestAge(System.nanoTime()),
                async == null ? "" : async.channelName(),
                violation);
    }

    private static int base(RingSetup setup) {
        return setup.base == null ? 0 : setup.base;
    }

    private static int number(EventFd eventFd) {
        return eventFd == null ? -1 : eventFd.descriptor().fd();
    }
}
