package io.vhost.ring;

/**
 * Where the three areas of a ring begin, as byte offsets in the segment that holds the ring.
 *
 * @param desc descriptor table, aligned to 16 bytes (virtio 1.2, 2.7)
 * @param avail driver area, aligned to 2 bytes
 * @param used device area, aligned to 4 bytes
 */
public record RingAddresses(long desc, long avail, long used) {}
