package io.vhost.device;

/** Features of the vhost-user protocol itself, as opposed to those of the virtio device ({@link Feature}). */
public enum ProtocolFeature {
    /** More than one queue pair. */
    MQ(0),
    /** Dirty log in memory shared by a descriptor. */
    LOG_SHMFD(1),
    /** The back-end broadcasts a RARP packet after migration. */
    RARP(2),
    /** The front-end may ask for an answer to any message. */
    REPLY_ACK(3),
    /** The front-end tells the maximum transmission unit. */
    MTU(4),
    /** A second socket for requests of the back-end. */
    BACKEND_REQ(5),
    /** Rings in the byte order of the other kind. */
    CROSS_ENDIAN(6),
    /** Crypto sessions. */
    CRYPTO_SESSION(7),
    /** Post-copy migration through userfaultfd. */
    PAGEFAULT(8),
    /** Device configuration space. */
    CONFIG(9),
    /** Descriptors in requests of the back-end. */
    BACKEND_SEND_FD(10),
    /** Doorbells mapped into the guest. */
    HOST_NOTIFIER(11),
    /** In-flight descriptors in memory that outlives the back-end. */
    INFLIGHT_SHMFD(12),
    /** A device reset that keeps the connection's state. */
    RESET_DEVICE(13),
    /** Kicks and calls as messages. */
    INBAND_NOTIFICATIONS(14),
    /** Memory regions added and removed one by one. */
    CONFIGURE_MEM_SLOTS(15),
    /** Device status as messages. */
    STATUS(16),
    /** Memory mapped through Xen. */
    XEN_MMAP(17),
    /** Objects shared between devices. */
    SHARED_OBJECT(18),
    /** Device state for migration. */
    DEVICE_STATE(19);

    private final int bit;

    ProtocolFeature(int bit) {
        this.bit = bit;
    }

    /** The feature as a mask with one bit set. */
    public long mask() {
        return 1L << bit;
    }

    /** Whether the feature is part of {@code features}. */
    public boolean in(long features) {
        return (features & mask()) != 0;
    }

    /** The union of some features. */
    public static long mask(ProtocolFeature... features) {
        long mask = 0;
        for (ProtocolFeature feature : features) {
            mask |= feature.mask();
        }
        return mask;
    }
}
