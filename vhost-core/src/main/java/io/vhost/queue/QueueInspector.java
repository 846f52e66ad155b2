package io.vhost.queue;

import io.vhost.os.EventFd;
import io.vhost.ring.DeviceRing;
import io.vhost.ring.RingFormat;
import io.vhost.state.QueueSnapshot;
import io.vhost.state.RingPositions;
import io.vhost.state.RingViolation;

/** Takes snapshots of a queue, under its lock. Guest memory is not looked at. */
final class QueueInspector {
    private QueueInspector() {}

    static QueueSnapshot snapshot(
            int index, boolean running, RingSetup setup, RingFormat format, OpenRing open, CopyStatus copies,
            RingViolation violation) {
        DeviceRing ring = open == null ? null : open.ring();
        RingPlace place = open == null ? RingPlace.NONE : open.place(setup);
        RingPositions at = ring == null ? stopped(setup, format) : ring.positions();
        return new QueueSnapshot(
                index,
                running,
                setup.started,
                setup.enabled,
                ring != null,
                open != null && open.format() == RingFormat.PACKED,
                setup.size,
                at,
                place.desc(),
                place.avail(),
                place.used(),
                number(setup.kick),
                number(setup.call),
                copies.registered(),
                copies.inFlight(),
                copies.oldestNanos(),
                copies.channel(),
                violation);
    }

    /** A ring that is not attached goes on where its base says. */
    private static RingPositions stopped(RingSetup setup, RingFormat format) {
        return format.positions(setup.base == null ? format.start() : setup.base);
    }

    private static int number(EventFd eventFd) {
        return eventFd == null ? -1 : eventFd.descriptor().fd();
    }
}
