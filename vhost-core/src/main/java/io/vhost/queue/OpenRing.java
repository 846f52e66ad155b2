package io.vhost.queue;

import io.vhost.memory.GuestMemory;
import io.vhost.memory.InflightRegion;
import io.vhost.ring.DeviceRing;
import io.vhost.ring.RingFormat;

/**
 * A ring that can be worked on: located in one memory table, which it keeps mapped until it is released. Used
 * under the queue's lock. Ring and table are one object so that no burst can meet a ring of one table and
 * buffers of another.
 */
final class OpenRing {
    private final GuestMemory memory;
    private final DeviceRing ring;
    private final RingFormat format;
    /** Null where nothing is tracked. */
    private final InflightRegion inflight;
    private RingPlace place;

    OpenRing(GuestMemory memory, DeviceRing ring, RingFormat format, InflightRegion inflight) {
        this.memory = memory;
        this.ring = ring;
        this.format = format;
        this.inflight = inflight;
        memory.retain();
        if (inflight != null) {
            inflight.retain();
        }
    }

    DeviceRing ring() {
        return ring;
    }

    GuestMemory memory() {
        return memory;
    }

    RingFormat format() {
        return format;
    }

    /** Where the ring lies. It stays there, and is looked up once only: whoever asks has the queue's lock. */
    RingPlace place(RingSetup setup) {
        if (place == null) {
            place = RingPlace.of(memory, setup, format);
        }
        return place;
    }

    /** Lets go of the memory; nothing may touch this ring afterwards. */
    void release() {
        memory.release();
        if (inflight != null) {
            inflight.release();
        }
    }
}
