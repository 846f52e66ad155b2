package io.vhost.os;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * One reserved window of addresses, into which parts of files are placed.
 *
 * <p>What no file covers reads as zeros and may be written: a private page that costs nothing until touched.
 * So no address of the window faults, except where a file was truncated after it was placed: there every
 * access form of {@code MemorySegment} ends in an {@link InternalError}.
 *
 * <p>Thread: any; {@link #place} and {@link #close} exclude each other. Access to {@link #segment} needs no
 * lock: after {@code close} it is an {@link IllegalStateException}, never a fault.
 */
@SuppressWarnings("restricted")
public final class Mapping implements AutoCloseable {
    private static final int PROT_READ_WRITE = 3;
    private static final int MAP_SHARED = 0x01;
    private static final int MAP_PRIVATE = 0x02;
    private static final int MAP_FIXED = 0x10;
    private static final int MAP_ANONYMOUS = 0x20;
    private static final int MAP_NORESERVE = 0x4000;
    private static final int NO_FILE = -1;
    private static final long ANYWHERE = 0;

    private static final long PAGE_SIZE = Libc.pageSize();

    private final Arena arena = Arena.ofShared();
    private final MemorySegment segment;
    /** A part of the window may belong to somebody else now, so it is never unmapped. See {@link #place}. */
    private boolean torn;
    /** Null unless {@link SigbusGuard} is enabled. */
    private final SigbusGuard.Parts guarded = SigbusGuard.isEnabled() ? new SigbusGuard.Parts() : null;

    private Mapping(long address, long length) {
        segment = MemorySegment.ofAddress(address)
                .reinterpret(length, arena, _ -> unmapWindow(address, length));
    }

    /**
     * Reserves a window, aligned to a page.
     *
     * @param length bytes, at least 1; rounded up to whole pages
     * @return the window, all zeros
     * @throws OsException if there is no such room in the address space (ENOMEM)
     */
    public static Mapping reserve(long length) {
        return reserve(length, PAGE_SIZE);
    }

    /**
     * Reserves a window.
     *
     * @param length bytes, at least 1; rounded up to whole pages
     * @param alignment bytes, a power of two: the largest {@link #blockSize} of the files to come
     * @return the window, all zeros
     * @throws OsException if there is no such room in the address space (ENOMEM)
     */
    public static Mapping reserve(long length, long alignment) {
        if (length < 1 || Long.bitCount(alignment) != 1 || alignment < 0) {
            throw new IllegalArgumentException(
                    "length=" + length + " must be at least 1, alignment=" + alignment + " a power of two");
        }
        long whole = roundUp(length, PAGE_SIZE);
        long slack = Math.max(alignment, PAGE_SIZE) - PAGE_SIZE;
        int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
        long raw = whole < 0 || whole + slack < 0
                ? -Errno.ENOMEM
                : Libc.mmap(ANYWHERE, whole + slack, PROT_READ_WRITE, flags, NO_FILE, 0);
        if (isError(raw)) {
            throw new OsException("mmap(length=" + length + ", alignment=" + alignment + ")", (int) -raw);
        }
        long address = roundUp(raw, alignment);
        unmap(raw, address - raw);
        unmap(address + whole, raw + slack - address);
        return new Mapping(address, whole);
    }

    /**
     * {@return the unit in which a file can be mapped, in bytes, a power of two: the size of its pages}
     *
     * @param file any file
     */
    public static long blockSize(Descriptor file) {
        long preferred = file.blockSize();
        // A file system may prefer any block; only one that whole pages fit into can be its page size.
        return Long.bitCount(preferred) == 1 ? Math.max(preferred, PAGE_SIZE) : PAGE_SIZE;
    }

    /**
     * Places a part of a file, shared, readable and writable. Whole blocks of the file are placed, so that up
     * to one block less a byte before and behind the part shows too. The file may be closed afterwards.
     *
     * @param windowOffset where the block begins that holds {@code fileOffset}; with the window's address a
     *     multiple of the file's {@link #blockSize}
     * @param file what to place
     * @param fileOffset first byte of the part
     * @param length bytes of the part, at least 1
     * @return the offset in the window where {@code fileOffset} is now
     * @throws OsException if the file cannot be mapped; the window is as it was
     */
    public synchronized long place(long windowOffset, Descriptor file, long fileOffset, long length) {
        long block = blockSize(file);
        long skew = fileOffset & (block - 1);
        long whole = roundUp(skew + length, block);
        checkPlace(windowOffset, fileOffset, length, block, whole);
        long address = segment.address() + windowOffset;
        long blockOffset = fileOffset - skew;
        int fd = file.fd();
        // mmap with MAP_FIXED takes the old mapping away before it asks the file for the new one. If the file
        // refuses then, the hole may go to any other thread of this process. So the file is asked first.
        long trial = Libc.mmap(ANYWHERE, whole, PROT_READ_WRITE, MAP_SHARED, fd, blockOffset);
        if (isError(trial)) {
            throw placeFailure(file, blockOffset, whole, trial);
        }
        long placed = Libc.mmap(address, whole, PROT_READ_WRITE, MAP_SHARED | MAP_FIXED, fd, blockOffset);
        unmap(trial, whole);
        if (isError(placed)) {
            torn = true;
            throw placeFailure(file, blockOffset, whole, placed);
        }
        if (guarded != null) {
            guarded.add(address, whole);
        }
        return windowOffset + skew;
    }

    /**
     * Whether a placed part was found truncated and zeros were put in its place: {@link SigbusGuard}. Any
     * thread; what the calling thread has touched is known.
     */
    public boolean isReplaced() {
        return guarded != null && guarded.isReplaced();
    }

    /** {@return the whole window: native, and alive until {@link #close}} */
    public MemorySegment segment() {
        return segment;
    }

    /**
     * Unmaps everything. Every later access to the segment throws. A second time has no effect.
     *
     * @throws IllegalStateException if a native call or a channel uses the segment now; all stays mapped then
     */
    @Override
    public synchronized void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }

    private void checkPlace(long windowOffset, long fileOffset, long length, long block, long whole) {
        if (!arena.scope().isAlive()) {
            throw new IllegalStateException("the window is closed");
        }
        boolean aligned = ((segment.address() + windowOffset) & (block - 1)) == 0;
        boolean inside = windowOffset >= 0 && whole > 0 && whole <= segment.byteSize() - windowOffset;
        if (!aligned || !inside || fileOffset < 0 || length < 1) {
            throw new IllegalArgumentException("windowOffset=" + windowOffset + " with length=" + length
                    + " at fileOffset=" + fileOffset + " must keep to blocks of " + block
                    + " inside a window of " + segment.byteSize());
        }
    }

    private void unmapWindow(long address, long length) {
        if (guarded != null) {
            guarded.clear();
        }
        if (!torn) {
            unmap(address, length);
        }
    }

    private static void unmap(long address, long length) {
        int result = length == 0 ? 0 : Libc.munmap(address, length);
        if (result < 0) {
            throw new OsException("munmap(length=" + length + ")", -result);
        }
    }

    private static OsException placeFailure(Descriptor file, long fileOffset, long length, long result) {
        return new OsException(
                "mmap(length=" + length + ", " + file + ", offset=" + fileOffset + ")", (int) -result);
    }

    /** Error numbers end at 4095, and no mapping is in the last page of the address space. */
    private static boolean isError(long address) {
        return address < 0 && address > -4096;
    }

    private static long roundUp(long value, long unit) {
        return (value + unit - 1) & -unit;
    }
}
