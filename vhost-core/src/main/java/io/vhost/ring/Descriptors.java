package io.vhost.ring;

/** What descriptors of both ring formats have in common (virtio 1.2, 2.7.5 and 2.8.13). */
final class Descriptors {
    /** Bytes of a descriptor, in the ring and in an indirect table. */
    static final int DESC_SIZE = 16;

    /** Another descriptor of the chain follows. */
    static final int DESC_F_NEXT = 1;
    /** The device writes the buffer. */
    static final int DESC_F_WRITE = 2;
    /** The buffer holds a table of descriptors. */
    static final int DESC_F_INDIRECT = 4;

    private Descriptors() {}
}
