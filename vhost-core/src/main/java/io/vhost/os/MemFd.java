package io.vhost.os;

import java.lang.foreign.Arena;

/** Files that live in memory only: what a front-end shares with its back-end. */
public final class MemFd {
    private static final int MFD_CLOEXEC = 1;
    private static final int MFD_ALLOW_SEALING = 2;
    private static final int MFD_HUGETLB = 4;
    private static final int MFD_HUGE_SHIFT = 26;
    private static final int F_ADD_SEALS = 1033;
    private static final int F_SEAL_SEAL = 1;
    private static final int F_SEAL_SHRINK = 2;
    private static final int F_SEAL_GROW = 4;

    private MemFd() {}

    /**
     * Creates a file of normal pages, filled with zeros.
     *
     * @param name what {@code /proc/self/maps} shows, at most 249 bytes; need not be unique
     * @param size bytes
     * @return its descriptor
     */
    public static Descriptor create(String name, long size) {
        return create(name, size, 0);
    }

    /**
     * Creates a file of huge pages, filled with zeros. The pages are taken when it is mapped.
     *
     * @param name what {@code /proc/self/maps} shows, at most 249 bytes; need not be unique
     * @param size bytes, a multiple of the page size
     * @param pageSize bytes, a power of two which the kernel supports, as 2 MiB or 1 GiB on x86-64
     * @return its descriptor
     */
    public static Descriptor createHuge(String name, long size, long pageSize) {
        if (Long.bitCount(pageSize) != 1 || size % pageSize != 0) {
            throw new IllegalArgumentException(
                    "size=" + size + " must be a multiple of pageSize=" + pageSize + ", that a power of two");
        }
        return create(name, size, MFD_HUGETLB | (Long.numberOfTrailingZeros(pageSize) << MFD_HUGE_SHIFT));
    }

    /**
     * Creates a file of normal pages, filled with zeros, which keeps its size for ever, whoever it is given
     * to: what is mapped of it never goes away.
     *
     * @param name what {@code /proc/self/maps} shows, at most 249 bytes; need not be unique
     * @param size bytes
     * @return its descriptor
     */
    public static Descriptor createSealed(String name, long size) {
        Descriptor file = create(name, size, MFD_ALLOW_SEALING);
        int result = Libc.fcntl(file.fd(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW);
        if (result < 0) {
            file.close();
            throw new OsException("fcntl(" + name + ", F_ADD_SEALS)", -result);
        }
        return file;
    }

    private static Descriptor create(String name, long size, int flags) {
        if (size < 0) {
            throw new IllegalArgumentException("size=" + size + " is negative");
        }
        int fd;
        try (Arena arena = Arena.ofConfined()) {
            fd = Libc.memfdCreate(arena.allocateFrom(name), MFD_CLOEXEC | flags);
        }
        if (fd < 0) {
            throw new OsException("memfd_create(" + name + ", flags=" + flags + ")", -fd);
        }
        Descriptor file = Descriptor.adopt(fd);
        int result = Libc.ftruncate(fd, size);
        if (result < 0) {
            file.close();
            throw new OsException("ftruncate(" + name + ", size=" + size + ")", -result);
        }
        return file;
    }
}
