package io.vhost.state;

/**
 * How a queue was at one moment: everything stems from the same moment. Addresses are unsigned; 0 where the
 * ring is not attached, that is stopped or not found in memory.
 *
 * @param index of the queue
 * @param running whether bursts could move packets
 * @param started whether the front-end has started the ring
 * @param enabled whether the front-end has enabled the ring
 * @param attached whether the ring was found in memory, so that the positions are those of the ring
 * @param packed whether the ring is a packed one; false while it is not attached
 * @param size entries of the ring; 0 before it is known
 * @param positions where the device is in the ring
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
        boolean packed,
        int size,
        RingPositions positions,
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

    /** What was taken and not yet given back: chains of a split ring, descriptors of a packed one. */
    public int inUse() {
        return positions.inUse();
    }

    /** The next chain to take, counted as the format does. */
    public int nextAvail() {
        return positions.nextAvail();
    }

    /** Up to where the driver was seen to have offered. */
    public int knownAvail() {
        return positions.knownAvail();
    }

    /** The next used element, counted as the format does. */
    public int nextUsed() {
        return positions.nextUsed();
    }

    /** Where the used position was when an interrupt was decided on last. */
    public int signalledUsed() {
        return positions.signalledUsed();
    }

    /** Whether that has happened. */
    public boolean signalledValid() {
        return positions.signalled();
    }
}
