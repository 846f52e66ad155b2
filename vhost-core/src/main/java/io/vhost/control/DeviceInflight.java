package io.vhost.control;

import io.vhost.memory.InflightRegion;
import io.vhost.os.Descriptor;
import io.vhost.os.OsException;
import io.vhost.queue.ControlException;
import io.vhost.ring.RingFormat;

/**
 * The region in which the device's queues note what they have in flight, for a successor of this process
 * (vhost-user, "Inflight I/O tracking").
 *
 * <p>Thread: the connection's, and no other. No lock may be held by the caller. Descriptors passed in are
 * taken over, whatever the outcome.
 */
public final class DeviceInflight {
    private final DeviceRings rings;
    private final MemoryAccount account;
    /** Null while there is none. */
    private InflightRegion region;

    DeviceInflight(DeviceRings rings, MemoryAccount account) {
        this.rings = rings;
        this.account = account;
    }

    /**
     * {@return the bytes of a region for rings of the format that is negotiated}
     *
     * @param queues how many of them, from the first
     * @param queueSize entries of each
     * @throws ControlException if there are no such queues
     */
    public long bytes(int queues, int queueSize) throws ControlException {
        if (queues < 1 || queues > rings.count()) {
            throw new ControlException(
                    "in-flight region for %d queues: there are %d".formatted(queues, rings.count()));
        }
        RingFormat format = rings.format();
        if (!format.accepts(queueSize)) {
            throw new ControlException("in-flight region for %s rings of %d entries: a size is %s"
                    .formatted(format.text(), queueSize, format.sizes()));
        }
        return InflightRegion.bytes(queues, format.inflightBytes(queueSize));
    }

    /**
     * Creates the file of a region that nobody has used, for the front-end to keep. Nothing of it stays here:
     * the front-end {@linkplain #use gives} it back when it is to be used.
     *
     * @param size what {@link #bytes} says
     * @throws ControlException if there is no memory or no descriptor for it
     */
    public Descriptor create(long size) throws ControlException {
        try {
            return InflightRegion.createFile(size);
        } catch (OsException e) {
            throw new ControlException("in-flight region cannot be created: " + e.getMessage(), e);
        }
    }

    /**
     * Uses a region from the next start of each ring on.
     *
     * @param file where it lies
     * @param offset of its first byte in the file
     * @param size bytes
     * @param queues how many parts it has, one for each queue from the first on; others are not tracked
     * @param queueSize entries of each ring
     * @throws ControlException if it is too small, or its file is or is not wanted, it exceeds a limit, or a
     *     ring is started; the old region stays
     */
    public void use(Descriptor file, long offset, long size, int queues, int queueSize)
            throws ControlException {
        InflightRegion replacement;
        try (file) {
            long needed = bytes(queues, queueSize);
            if (size < needed) {
                throw new ControlException("in-flight region of %s bytes for %d rings of %d entries needs %d"
                        .formatted(Long.toUnsignedString(size), queues, queueSize, needed));
            }
            for (int i = 0; i < rings.count(); i++) {
                rings.requireStopped(i, "in-flight region");
            }
            replacement = account.mapInflight(file, offset, size, queues, queueSize);
        }
        release();
        region = replacement;
        rings.inflight(replacement);
    }

    /** Lets go of the region. Every ring has been stopped. */
    void release() {
        rings.inflight(null);
        if (region != null) {
            region.release();
            region = null;
        }
    }
}
