package io.vhost.queue;

import io.vhost.ring.DeviceRing;

/**
 * Who uses a queue: what its chains mean and what is done with them, for one kind of device. Everything is
 * called with the queue's lock held.
 */
public interface QueueUser {
    /** The ring is there and will be worked on. */
    void opened(DeviceRing ring);

    /**
     * The ring goes away, and perhaps its memory: waits until nobody touches it any more, and gives back to
     * the driver what is done.
     *
     * @param ring what goes
     * @param lost its memory has gone already, so that it must not be touched
     */
    void closing(DeviceRing ring, boolean lost);

    /** What a snapshot tells of copies under way. */
    CopyStatus copies();
}
