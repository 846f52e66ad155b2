package io.vhost.ring;

/**
 * What was negotiated for a ring.
 *
 * @param deviceWrites the device writes most buffers; false: it reads most. Chains of one such buffer take
 *     the short way, any others are as good
 * @param indirect VIRTIO_F_INDIRECT_DESC
 * @param eventIdx VIRTIO_F_EVENT_IDX
 * @param inOrder VIRTIO_F_IN_ORDER; a device end keeps the order anyway,
 *     a driver end may then skip used elements
 */
public record RingOptions(boolean deviceWrites, boolean indirect, boolean eventIdx, boolean inOrder) {}
