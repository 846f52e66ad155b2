/**
 * Virtqueues: the ring layouts of virtio 1.2 chapter 2, seen from both ends.
 *
 * <p>{@link io.vhost.ring.SplitRing} is the device's end and {@link io.vhost.ring.SplitDriverRing} the
 * driver's. A device works in bursts of two passes: it <em>gathers</em> buffer chains into a
 * {@link io.vhost.ring.ChainBatch}, where every descriptor is read once, validated and translated; the caller
 * then copies; and the ring <em>publishes</em> the batch as used with one release store of the index. Two
 * passes let the cache misses of many descriptors overlap.
 *
 * <p>Whatever stands in a ring was written by somebody else, perhaps in bad faith. A rule that is broken is a
 * {@link io.vhost.ring.RingViolation}; it is returned as a value, never thrown, and a ring that has one takes
 * no more chains. The work for one burst is bounded by the ring's size whatever the descriptors say.
 *
 * <p>Conventions: no class here is thread safe, the holder of the queue's lock calls; offsets and lengths are
 * bytes; indexes are unsigned 16-bit numbers that wrap; the suffixes {@code Acquire} and {@code Release} of
 * an accessor name its memory order, none means plain. This package knows no packets, locks or sockets.
 */
package io.vhost.ring;
