package io.vhost.device;

import io.vhost.os.EventFd;
import io.vhost.ring.RingViolation;
import io.vhost.ring.SplitRing;

/** Takes snapshots of a queue, under its lock. Guest memory is not looked at. */
final class QueueInspector {
    private QueueInspector() {}

    static QueueSnapshot snapshot(
            VirtQueue queue, RingSetup setup, ActiveRing active, AsyncChannel async,
            RingViolation violation) {
        SplitRing ring = active == null ? null : active.ring();
        RingPlace place = active == null ? RingPlace.NONE : active.place(setup);
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

    private static int number(EventFd eventFd) {
        return eventFd == null ? -1 : eventFd.descriptor().fd();
    }
}
