package io.vhost.driver;

import io.vhost.os.Descriptor;
import io.vhost.os.Mapping;
import io.vhost.os.MemFd;
import io.vhost.state.MemoryRegion;
import java.lang.foreign.MemorySegment;

/**
 * The driver's memory as the device sees it: one file, which no one can truncate, and one region, whose guest
 * addresses are this process's own, as with DPDK's virtio-user. Carved into areas from front to back.
 */
final class SharedMemory implements AutoCloseable {
    private static final long AREA_ALIGNMENT = 4096;

    private final Descriptor file;
    private final Mapping mapping;
    private long carved;

    SharedMemory(long size) {
        file = MemFd.createSealed("virtio-user", size);
        Mapping window = null;
        try {
            window = Mapping.reserve(size);
            window.place(0, file, 0, size);
        } catch (RuntimeException e) {
            if (window != null) {
                window.close();
            }
            file.close();
            throw e;
        }
        mapping = window;
    }

    /** Bytes that {@link #carve} takes for an area of {@code size}. */
    static long areaSize(long size) {
        return (size + AREA_ALIGNMENT - 1) / AREA_ALIGNMENT * AREA_ALIGNMENT;
    }

    /** The offset of a new area of {@code size} bytes, aligned to a page. */
    long carve(long size) {
        long offset = carved;
        carved += areaSize(size);
        return offset;
    }

    MemorySegment segment() {
        return mapping.segment();
    }

    /** Guest address of an offset; the same as this process's. */
    long address(long offset) {
        return mapping.segment().address() + offset;
    }

    MemoryRegion region() {
        long address = address(0);
        return new MemoryRegion(address, address, mapping.segment().byteSize(), 0);
    }

    Descriptor file() {
        return file;
    }

    @Override
    public void close() {
        mapping.close();
        file.close();
    }
}
