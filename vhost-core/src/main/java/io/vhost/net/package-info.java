/**
 * Packets: native buffers that an app and the virtqueues hand to each other.
 *
 * <p>A {@link io.vhost.net.PacketPool} owns one native slab, cut into equal buffers, and one
 * {@link io.vhost.net.Packet} for each of them. A packet is a window on its buffer (headroom, data, tailroom)
 * together with the offload fields of its virtio-net header, which is not part of the data:
 * {@link io.vhost.net.NetHeader} has its layout, and {@link io.vhost.net.InternetChecksum} does in software
 * what an offload asks for.
 *
 * <p>Ownership: who took a packet, or received it from a queue, owns it, and only the owner touches it.
 * Handing it to a queue that accepts it, or to another thread, hands over the ownership; releasing it ends
 * it. Each packet is released exactly once, by any thread, to the pool it came from. Pools are thread safe;
 * packets are not, and need none: handing one to another thread must happen through something that
 * synchronises (a queue, a lock), as for every plain object.
 *
 * <p>Mistakes show: a pool refuses a second release, a packet of another pool and one that is in flight, and
 * does not close while packets are outstanding. A packet knows whether it is in its pool, the application's
 * or in flight: unless it is the application's its length is negative, so each bounds check that it meets
 * fails, and no burst takes it. What cannot be seen is the use of a stale reference after somebody else took
 * the packet.
 *
 * <p>Conventions: offsets and lengths are bytes; numbers in packet data are big-endian (network order),
 * numbers in the virtio-net header little-endian. Memory is native, never a heap array: one kind of segment
 * at each call site is what keeps an access at a nanosecond.
 *
 * @since 0.1
 */
package io.vhost.net;
