package io.vhost.ring;

/**
 * Where the three areas of a ring begin, as byte offsets in the segment that holds the ring.
 *
 * @param desc descriptor table or ring, aligned to 16 bytes (virtio 1.2, 2.7 and 2.8.10.1)
 * @param avail driver area, aligned to 2 bytes in a split ring and to 4 in a packed one
 * @param used device area, aligned to 4 bytes
 */
public record RingAddresses(long desc, long avail, long used) {}
