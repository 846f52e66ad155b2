package io.vhost.queue;

import io.vhost.limit.account.SlowPeers;
import java.lang.System.Logger;

/** Who owns a queue: the device that it belongs to, as far as a queue needs to know it. */
public interface QueueOwner {
    /** The device's name for logs. */
    String name();

    /** Where to log what a driver can cause. Any thread. */
    Logger log();

    /**
     * The guest's memory has gone: the device is to be given up. Called by any thread, with the queue's lock
     * held; must not block.
     */
    void fail(Throwable cause);

    /**
     * A queue begins or ends to move chains. Called with exactly that queue's lock held.
     *
     * @param queue its index
     * @param runs whether it does now
     */
    void stateChanged(int queue, boolean runs);

    /**
     * Takes what a ring needs, before it is made; nothing unless overridden.
     *
     * @param entries of the ring
     * @return null if it is taken, to be given back with {@link #giveRing}; else why it is refused
     */
    default String takeRing(int entries) {
        return null;
    }

    /**
     * Gives back what a ring needed.
     *
     * @param entries as they were taken
     */
    default void giveRing(int entries) {}

    /** Who signals for the owner's queues where the kernel takes long; ended by the owner. */
    default SignalWorker signalWorker() {
        return new SignalWorker("vhost signals", new SlowPeers());
    }
}
