package io.vhost.memory;

import io.vhost.os.Descriptor;
import io.vhost.os.Mapping;
import io.vhost.os.MemFd;
import io.vhost.os.OsException;
import java.lang.foreign.MemorySegment;

/**
 * Memory that outlives a back-end: what its queues have in flight is noted there, so that a successor finds
 * it (vhost-user, "Inflight I/O tracking"). One part a queue, one behind the other, each aligned to
 * {@value #PART_ALIGNMENT} bytes. What a part holds is the business of the ring's format.
 *
 * <p>Thread: any; the region never changes. Users are counted as those of {@link GuestMemory}. A front-end
 * can truncate a file that is its own: access to the part that is gone is an {@link InternalError} then. It
 * can also write there at any time, so that nothing which is read there may be believed.
 */
public final class InflightRegion {
    /** Bytes to whose multiples the parts of the queues are aligned. */
    public static final int PART_ALIGNMENT = 64;

    private final MemorySegment segment;
    private final Mapping mapping; // null if the memory is not ours
    private final int queues;
    private final int queueSize;
    private final Runnable unmapped;
    private int users = 1;

    private InflightRegion(
            MemorySegment segment, Mapping mapping, int queues, int queueSize, Runnable unmapped) {
        this.unmapped = unmapped;
        this.segment = segment;
        this.mapping = mapping;
        this.queues = queues;
        this.queueSize = queueSize;
    }

    /**
     * {@return how many bytes the parts of some queues take}
     *
     * @param queues how many, up to 65,535
     * @param partBytes bytes of each part, not yet aligned
     */
    public static long bytes(int queues, long partBytes) {
        return queues * partStride(partBytes);
    }

    private static long partStride(long partBytes) {
        return (partBytes + PART_ALIGNMENT - 1) / PART_ALIGNMENT * PART_ALIGNMENT;
    }

    /**
     * Creates the file of a region, all zeros, which is a region that nobody has used. Nobody can truncate
     * it, whoever gets it.
     *
     * @param size bytes
     */
    public static Descriptor createFile(long size) {
        return MemFd.createSealed("vhost-inflight", size);
    }

    /**
     * Maps a region that the front-end shares. Its file is sealed against shrinking if it can be.
     *
     * @param file where it lies; stays the caller's
     * @param offset of its first byte in the file, a multiple of {@link #PART_ALIGNMENT}
     * @param size bytes
     * @param queues how many parts it has
     * @param queueSize entries of each ring
     * @param rules which files are wanted
     * @param unmapped runs once it is not mapped any more: on the thread of its last user, or at once if this
     *     fails
     * @return the region, with one user
     * @throws MemoryTableException when the file does not hold it, cannot be mapped or is not wanted
     */
    public static InflightRegion map(
            Descriptor file, long offset, long size, int queues, int queueSize, MemoryRules rules,
            Runnable unmapped)
            throws MemoryTableException {
        try {
            return place(file, offset, size, queues, queueSize, rules, unmapped);
        } catch (OsException e) {
            unmapped.run();
            throw new MemoryTableException(e);
        } catch (MemoryTableException | RuntimeException | Error e) {
            unmapped.run();
            throw e;
        }
    }

    private static InflightRegion place(
            Descriptor file, long offset, long size, int queues, int queueSize, MemoryRules rules,
            Runnable unmapped)
            throws MemoryTableException {
        String what = "in-flight region of size=0x%x at offset=0x%x".formatted(size, offset);
        if (size < 1 || size > RegionRules.MAX_SIZE || offset < 0 || offset > RegionRules.MAX_SIZE
                || (offset & (PART_ALIGNMENT - 1)) != 0) {
            throw new MemoryTableException(
                    what + ": needs a size from 1 to 2^48 at a multiple of " + PART_ALIGNMENT);
        }
        long block = new SharedFile(what, file, offset, size).check(rules).pageSize();
        Mapping mapping = Mapping.reserve((offset & (block - 1)) + size + block, block);
        try {
            long start = mapping.place(0, file, offset, size);
            return new InflightRegion(
                    mapping.segment().asSlice(start, size), mapping, queues, queueSize, unmapped);
        } catch (RuntimeException | Error e) {
            mapping.close();
            throw e;
        }
    }

    /**
     * A region in memory of this process, for tests and in-process use.
     *
     * @param segment native memory, aligned to {@link #PART_ALIGNMENT}; zeros for a region nobody has used
     * @param queues how many parts it has
     * @param queueSize entries of each ring
     */
    public static InflightRegion of(MemorySegment segment, int queues, int queueSize) {
        if (!segment.isNative() || (segment.address() & (PART_ALIGNMENT - 1)) != 0) {
            throw new IllegalArgumentException(
                    "needs native memory aligned to " + PART_ALIGNMENT + " bytes, has " + segment);
        }
        return new InflightRegion(segment, null, queues, queueSize, () -> { });
    }

    /** Parts of the region: queues from this number on are not tracked. */
    public int queues() {
        return queues;
    }

    /** Entries of each ring that the region was made for. */
    public int queueSize() {
        return queueSize;
    }

    /** Bytes of the region. */
    public long size() {
        return segment.byteSize();
    }

    /**
     * {@return the part of one queue, aligned to {@link #PART_ALIGNMENT}}
     *
     * @param queue its index, below {@link #queues}
     * @param partBytes bytes of each part, not yet aligned
     * @throws IndexOutOfBoundsException if the region does not hold the part: compare {@link #bytes}
     */
    public MemorySegment part(int queue, long partBytes) {
        return segment.asSlice(queue * partStride(partBytes), partBytes);
    }

    /**
     * Adds a user.
     *
     * @throws IllegalStateException if the last one has gone
     */
    public synchronized void retain() {
        requireUser("retained", "retain it while it has a user");
        users++;
    }

    /**
     * Removes a user; the last one unmaps the region.
     *
     * @throws IllegalStateException if there is none left
     */
    public synchronized void release() {
        requireUser("released", "release it once for each retain, and once for its creator");
        if (--users == 0 && mapping != null) {
            mapping.close();
            unmapped.run();
        }
    }

    private void requireUser(String what, String remedy) {
        if (users == 0) {
            throw new IllegalStateException("an in-flight region that is gone cannot be " + what + "; "
                    + remedy);
        }
    }
}
