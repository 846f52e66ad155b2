package io.vhost.protocol;

/** The shapes of payloads, each with the sizes it may have, in bytes. */
enum Payload {
    NONE(0),
    U64(8),
    /** Ring index and one number, 32 bits each. */
    RING_STATE(8),
    /** Ring index, flags, then the addresses of descriptors, used ring, available ring and log. */
    RING_ADDRESSES(40),
    /** Count, padding, then 32 bytes a region. */
    MEMORY_TABLE(8, 8 + 8 * 32, 32),
    /** Padding and one region. */
    MEMORY_REGION(40),
    /** Size and offset; only a number where the log is not shared memory. */
    LOG(8, 16, 8),
    LOG_DESCRIPTOR(0, 8, 8),
    /** The compilers of the two ends may or may not pad the shared address space entry. */
    IOTLB(26, 32, 1),
    /** Offset, size, flags, then up to 256 bytes of configuration space. */
    CONFIG(12, 12 + 256, 1),
    /** Size, offset, number of queues, size of queues, perhaps padded to a multiple of 8. */
    INFLIGHT(20, 24, 4),
    DEVICE_STATE(8),
    UUID(16),
    /** Whatever another kind of device defines. */
    FOREIGN(0, Message.MAX_PAYLOAD, 1);

    private final int least;
    private final int most;
    private final int step;

    Payload(int size) {
        this(size, size, 1);
    }

    Payload(int least, int most, int step) {
        this.least = least;
        this.most = most;
        this.step = step;
    }

    boolean accepts(int size) {
        return size >= least && size <= most && (size - least) % step == 0;
    }

    /** The allowed sizes for an error text. */
    String sizes() {
        if (least == most) {
            return Integer.toString(least);
        }
        return least + ".." + most + (step == 1 ? "" : " in steps of " + step);
    }
}
