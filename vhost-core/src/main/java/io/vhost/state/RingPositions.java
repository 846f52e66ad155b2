package io.vhost.state;

/**
 * Where the device is in a ring, for those who look on. Positions are as the format counts them: in a split
 * ring free-running 16-bit indexes of chains, in a packed one descriptors below the ring's size with a wrap
 * counter each.
 *
 * @param nextAvail of the next chain to take
 * @param availWrap the wrap counter that belongs to it (virtio 1.2, 2.8.1); false in a split ring
 * @param knownAvail up to where the driver was seen to have offered; in a packed ring, which has no
 *     index for that, {@code nextAvail}
 * @param nextUsed of the next used element to write
 * @param usedWrap the wrap counter that belongs to it; false in a split ring
 * @param signalledUsed where the used position was when an interrupt was decided on last
 * @param signalled whether that has happened
 * @param inUse what was taken and not given back: chains in a split ring, descriptors in a packed one
 */
public record RingPositions(
        int nextAvail,
        boolean availWrap,
        int knownAvail,
        int nextUsed,
        boolean usedWrap,
        int signalledUsed,
        boolean signalled,
        int inUse) {}
