package io.vhost.device;

import io.vhost.ring.RingViolation;

/**
 * How a queue was at one moment: everything stems from the same moment. Addresses are unsigned; 0 where the
 * ring is not attached, that is stopped or not found in memory.
 *
 * @param index of the queue
 * @param running whether bursts could move packets
 * @param started whether the front-end has started the ring
 * @param enabled whether the front-end has enabled the ring
 * @param attached whether the ring was found in memory, so that the positions are those of the ring
 * @param size entries of the ring; 0 before it is known
 * @param nextAvail index of the next chain to take
 * @param knownAvail the driver's index when it was read last
 * @param nextUsed index of the next used element
 * @param signalledUsed where the used index was when an interrupt was decided on last
 * @param signalledValid whether that has happened
 * @param desc descriptor table
 * @param avail driver area
 * @param used device area
 * @param kick number of the descriptor that the front-end signals; -1 for none
 * @param call number of the descriptor that interrupts the guest; -1 for none
 * @param registered whether asynchronous copies are registered
 * @param inFlight packets that the library holds for asynchronous copies
 * @param oldestNanos age of the oldest of those whose copies have not ended; 0 for none
 * @param dma name of the channel that has the oldest of those; empty for none
 * @param violation the rule that the guest broke, for which the queue is fenced; null for none
 */
public record QueueSnapshot(
        int index,
        boolean running,
        boolean started,
        boolean enabled,
        boolean attached,
        int size,
        int nextAvail,
        int knownAvail,
        int nextUsed,
        int signalledUsed,
        boolean signalledValid,
        Area desc,
        Area avail,
        Area used,
        int kick,
        int call,
        boolean registered,
        int inFlight,
        long oldestNanos,
        String dma,
        RingViolation violation) {
    /**
     * One of the three areas of a ring.
     *
     * @param guest address in the guest
     * @param user address in the front-end's process, as it gave it
     * @param mapped address in this process
     * @param bytes length
     */
    public record Area(long guest, long user, long mapped, long bytes) {}

    /** Chains taken and not yet given back, 0 to 65535. */
    public int inUse() {
        return (nextAvail - nextUsed) & 0xFFFF;
    }
}
