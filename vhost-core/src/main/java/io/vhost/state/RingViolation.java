package io.vhost.state;

/**
 * What a peer can do wrong in a ring. Each class of fault is counted by this name.
 *
 * <p>The section numbers are those of virtio 1.2.
 */
public enum RingViolation {
    /** The driver's index moved by more than the ring holds (2.7.13). */
    AVAIL_INDEX_JUMP("driver's index moved by more than the ring size"),
    /** The available ring names a descriptor that does not exist (2.7.6). */
    HEAD_OUT_OF_RANGE("head of a chain is not below the ring size"),
    /** The next field names a descriptor that does not exist (2.7.5). */
    NEXT_OUT_OF_RANGE("next descriptor is not below the table size"),
    /** A chain has more descriptors than the ring or table has: it loops or is too long (2.7.5.3.1). */
    CHAIN_TOO_LONG("chain has more descriptors than its table"),
    /** An indirect table inside an indirect table (2.7.5.3.1). */
    NESTED_INDIRECT("indirect descriptor inside an indirect table"),
    /** An indirect descriptor that is continued (2.7.5.3.1), in a packed ring also the other way (2.8.19). */
    INDIRECT_WITH_NEXT("indirect descriptor has NEXT set"),
    /** An indirect table whose length is zero, no multiple of 16, or beyond the ring size (2.7.5.3). */
    INDIRECT_TABLE_SIZE("indirect table has a bad length"),
    /** An indirect table that is not inside the guest's memory. */
    INDIRECT_TABLE_UNMAPPED("indirect table is outside guest memory"),
    /** An indirect descriptor although the feature was not negotiated (2.7.5.3.1). */
    INDIRECT_NOT_NEGOTIATED("indirect descriptor without VIRTIO_F_INDIRECT_DESC"),
    /** A buffer that is not inside the guest's memory, or whose end wraps around. */
    BUFFER_UNMAPPED("buffer is outside guest memory"),
    /** A buffer of the direction that its queue does not have: network queues carry data one way (5.1.6). */
    WRONG_DIRECTION("buffer has the wrong direction for its queue"),
    /** A device-readable buffer behind one that the device writes (2.7.4.2). */
    READABLE_AFTER_WRITABLE("device-readable buffer comes after a device-writable one"),
    /** A chain of 4 GiB or more (2.7.5.2). */
    CHAIN_TOO_LARGE("chain has 4 GiB or more"),
    /** A chain without a single byte in its buffers. */
    EMPTY_CHAIN("chain has no bytes"),
    /** A chain with no room for the header that precedes each packet, or for nothing else (5.1.6). */
    NO_ROOM_FOR_HEADER("chain ends with the packet's header or before"),
    /** A chain that is with the device was offered again (2.7.13). */
    HEAD_IN_FLIGHT("chain was offered again before it was used"),
    /** A packed ring's descriptor that is with the device was made available again (2.8.1). */
    DESCRIPTOR_IN_FLIGHT("descriptor was offered again before it was used"),
    /** A packed ring's chain has a buffer id that is none: there is one for each entry (2.8.22). */
    BUFFER_ID_OUT_OF_RANGE("buffer id is not below the ring size"),
    /** A packed ring's event flags have the reserved value, or one that was not negotiated (2.8.14). */
    EVENT_FLAGS_RESERVED("event suppression flags are reserved or not negotiated"),
    /** A packed ring's event is wanted for a descriptor that does not exist (2.8.14). */
    EVENT_OFFSET_OUT_OF_RANGE("event suppression offset is not below the ring size"),
    /** The device's index moved by more than the driver offered; seen by the driver's end. */
    USED_INDEX_JUMP("device's index moved by more than was offered"),
    /** The used ring names a chain that was not offered; seen by the driver's end. */
    USED_ID_UNKNOWN("used element names a chain that was not offered"),
    /** A used length beyond the buffers of the chain; seen by the driver's end. */
    USED_LENGTH_TOO_LARGE("used length is beyond the chain's buffers"),
    /** A packed ring was used already where its front-end lets the device go on; no fault of the driver. */
    BASE_BEHIND("ring was used beyond the position where the device is to go on"),
    /** What was noted of chains in flight contradicts itself, or the ring; no fault of the driver. */
    INFLIGHT_MISMATCH("in-flight region contradicts itself or the ring"),
    /** The guest's memory went away under the ring: the file behind it was truncated. */
    MEMORY_LOST("guest memory vanished under the ring"),
    /** The engine that copied for this queue failed; no fault of the driver. */
    DMA_FAILED("DMA engine failed with copies of this queue under way, or was held up by them");

    private final String text;

    RingViolation(String text) {
        this.text = text;
    }

    /** What happened, as a clause for a log line. */
    public String text() {
        return text;
    }
}
