package io.vhost.memory;

import io.vhost.os.Descriptor;
import io.vhost.os.Mapping;
import io.vhost.os.OsException;
import io.vhost.os.SharedBits;
import io.vhost.state.MemoryRegion;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * The bitmap in which a back-end tells which pages of the guest it has written, for live migration
 * (vhost-user, "Migration"). One bit a page of {@value #PAGE} bytes, beginning with the guest address 0.
 *
 * <p>Thread: any; the front-end takes bits out at the same time, and back-ends in other processes set some in
 * the same log, so they are set atomically. A page is marked after it was written: the front-end may fetch
 * mark and page at any moment, and must not fetch the mark alone.
 *
 * <p>Users are counted as those of {@link GuestMemory}. The front-end can truncate the file
 * unless it could be sealed: then {@link #mark} is an {@link InternalError}.
 */
public final class DirtyLog {
    /** Bytes of the guest that one bit stands for. */
    public static final int PAGE = 4096;

    private static final int PAGE_SHIFT = 12;
    private static final VarHandle WORD = ValueLayout.JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN).varHandle()
            .withInvokeExactBehavior();

    private final MemorySegment bits;
    private final Mapping mapping;
    private final Runnable unmapped;
    private int users = 1;

    private DirtyLog(MemorySegment bits, Mapping mapping, Runnable unmapped) {
        this.bits = bits;
        this.mapping = mapping;
        this.unmapped = unmapped;
    }

    /**
     * Maps a bitmap that the front-end shares.
     *
     * @param file where it lies; taken over, and closed in any case
     * @param offset of its first byte in the file, a multiple of 8
     * @param size bytes; what exceeds a multiple of 8 is not used
     * @return the log, with one user
     * @throws MemoryTableException when the file does not hold it or cannot be mapped
     */
    public static DirtyLog map(Descriptor file, long offset, long size) throws MemoryTableException {
        return map(file, offset, size, MemoryRules.USUAL, () -> { });
    }

    /**
     * The same, with rules, for one who wants to know of its end. The file is sealed against shrinking if it
     * can be.
     *
     * @param file as for {@link #map(Descriptor, long, long)}
     * @param offset as there
     * @param size as there
     * @param rules which files are wanted
     * @param unmapped runs once it is not mapped any more: on the thread of its last user, or at once if this
     *     fails
     * @return the log, with one user
     * @throws MemoryTableException when the file does not hold it, cannot be mapped or is not wanted
     */
    public static DirtyLog map(
            Descriptor file, long offset, long size, MemoryRules rules, Runnable unmapped)
            throws MemoryTableException {
        try (file) {
            return place(file, offset, size, rules, unmapped);
        } catch (OsException e) {
            unmapped.run();
            throw new MemoryTableException(e);
        } catch (MemoryTableException | RuntimeException | Error e) {
            unmapped.run();
            throw e;
        }
    }

    private static DirtyLog place(
            Descriptor file, long offset, long size, MemoryRules rules, Runnable unmapped)
            throws MemoryTableException {
        String what = "dirty log of size=0x%x at offset=0x%x".formatted(size, offset);
        if (size < Long.BYTES || size > RegionRules.MAX_SIZE
                || offset < 0 || offset > RegionRules.MAX_SIZE
                || (offset & (Long.BYTES - 1)) != 0) {
            throw new MemoryTableException(what + ": needs at least 8 bytes at a multiple of 8");
        }
        long block = new SharedFile(what, file, offset, size).check(rules).pageSize();
        Mapping mapping = Mapping.reserve((offset & (block - 1)) + size + block, block);
        try {
            long start = mapping.place(0, file, offset, size);
            return new DirtyLog(mapping.segment().asSlice(start, size & -Long.BYTES), mapping, unmapped);
        } catch (RuntimeException | Error e) {
            mapping.close();
            throw e;
        }
    }

    /**
     * A log in memory of this process, for tests and in-process use.
     *
     * @param bits native memory, aligned to 8 bytes, with a length that is a multiple of 8
     */
    public static DirtyLog of(MemorySegment bits) {
        if (!bits.isNative() || (bits.byteSize() & (Long.BYTES - 1)) != 0) {
            throw new IllegalArgumentException("needs native memory with a multiple of 8 bytes, has " + bits);
        }
        return new DirtyLog(bits, null, () -> { });
    }

    /** Bytes of the bitmap. */
    public long size() {
        return bits.byteSize();
    }

    /**
     * Whether there is a bit for every byte of a guest's memory.
     *
     * @param memory the guest's memory
     */
    public boolean covers(GuestMemory memory) {
        for (MemoryRegion region : memory.regions()) {
            if ((region.guestAddress() + region.size() - 1) >>> PAGE_SHIFT >= bits.byteSize() * Byte.SIZE) {
                return false;
            }
        }
        return true;
    }

    /**
     * Marks the pages of a range that has been written. What lies beyond the log is left out.
     *
     * @param guestAddress of the first byte, unsigned
     * @param length bytes; nothing is marked for 0 or less
     */
    public void mark(long guestAddress, long length) {
        if (length <= 0) {
            return;
        }
        long pages = bits.byteSize() * Byte.SIZE;
        long first = guestAddress >>> PAGE_SHIFT;
        long last = Math.min((guestAddress + length - 1) >>> PAGE_SHIFT, pages - 1);
        for (long page = first; page <= last; page++) {
            long bit = 1L << (page & (Long.SIZE - 1));
            long word = page / Long.SIZE * Long.BYTES;
            // A page that is marked stays so until the front-end fetches it, which it does after it took the
            // mark: what was written before this look is in what it fetches. The fence orders those writes
            // before the look.
            VarHandle.fullFence();
            if (((long) WORD.getVolatile(bits, word) & bit) == 0) {
                SharedBits.set(bits, page);
            }
        }
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
     * Removes a user; the last one unmaps the log.
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
            throw new IllegalStateException("a dirty log that is gone cannot be " + what + "; " + remedy);
        }
    }
}
