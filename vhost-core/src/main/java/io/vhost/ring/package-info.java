/**
 * Virtqueues: the ring layouts of virtio 1.2 chapter 2, seen from both ends.
 *
 * <p>{@link io.vhost.ring.DeviceRing} is the device's end and {@link io.vhost.ring.DriverRing} the driver's;
 * {@link io.vhost.ring.RingFormat} opens either, and is all that others know of a format. A device works in
 * bursts of two passes: it <em>gathers</em> buffer chains into a {@link io.vhost.ring.ChainBatch}, where
 * every descriptor is read once, validated and translated; the caller then copies; and the ring
 * <em>publishes</em> the batch as used, all at once. Two passes let the cache misses of many descriptors
 * overlap. Chains that are given back later, in any order, wait in {@link io.vhost.ring.ChainsInFlight}.
 *
 * <p>Where a format is at work: {@code SplitRing}, {@code SplitDriverRing} and what begins with
 * {@code Split}; {@code PackedRing}, {@code PackedDriverRing} and what begins with {@code Packed}. What holds
 * for every format, the rules of a chain above all, is {@code ChainBuilder}'s.
 *
 * <p>Whatever stands in a ring was written by somebody else, perhaps in bad faith. A rule that is broken is
 * a {@link io.vhost.state.RingViolation}; it is returned as a value, never thrown, and a ring that has one
 * takes no more chains. The work for one burst is bounded by the ring's size whatever the descriptors say.
 *
 * <p>Conventions: no class here is thread safe, the holder of the queue's lock calls; offsets and lengths are
 * bytes; indexes of a split ring are unsigned 16-bit numbers that wrap, positions of a packed one are below
 * its size and go with a wrap counter; the suffixes {@code Acquire} and {@code Release} of
 * an accessor name its memory order, none means plain. This package knows no packets, locks or sockets.
 * It is not exported.
 */
package io.vhost.ring;
