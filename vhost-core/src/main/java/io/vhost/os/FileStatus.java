package io.vhost.os;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * What the kernel knows about a file. From {@code statx}, the one call of its family whose structure is the
 * same on every architecture.
 *
 * @param device number of the device that holds the file
 * @param inode number of the file on that device
 * @param mode type and permissions
 * @param size bytes
 * @param blockSize bytes, the preferred unit of the file system
 */
record FileStatus(long device, long inode, int mode, long size, long blockSize) {
    private static final int AT_FDCWD = -100;
    private static final int AT_SYMLINK_NOFOLLOW = 0x100;
    private static final int AT_EMPTY_PATH = 0x1000;
    private static final int STATX_BASIC_STATS = 0x7FF;

    private static final long STRUCT_SIZE = 256;
    private static final long BLOCK_SIZE = 4;
    private static final long MODE = 28;
    private static final long INODE = 32;
    private static final long SIZE = 40;
    private static final long DEVICE_MAJOR = 136;
    private static final long DEVICE_MINOR = 140;

    private static final int S_IFMT = 0xF000;
    private static final int S_IFIFO = 0x1000;
    private static final int S_IFCHR = 0x2000;
    private static final int S_IFREG = 0x8000;
    private static final int S_IFSOCK = 0xC000;

    /** {@return the status of an open file} */
    static FileStatus of(int fd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment status = arena.allocate(STRUCT_SIZE, Long.BYTES);
            int result = Libc.statx(fd, arena.allocateFrom(""), AT_EMPTY_PATH, STATX_BASIC_STATS, status);
            if (result < 0) {
                throw new OsException("statx(fd=" + fd + ")", -result);
            }
            return read(status);
        }
    }

    /** {@return the status of the file at a path, of the link itself if it is one; null if there is none} */
    static FileStatus at(SocketPath path) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment status = arena.allocate(STRUCT_SIZE, Long.BYTES);
            int result = Libc.statx(
                    AT_FDCWD, path.nativePath(arena), AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, status);
            if (result == -Errno.ENOENT) {
                return null;
            }
            if (result < 0) {
                throw new OsException("statx(" + path + ")", -result);
            }
            return read(status);
        }
    }

    boolean isRegularFile() {
        return (mode & S_IFMT) == S_IFREG;
    }

    boolean isPipe() {
        return (mode & S_IFMT) == S_IFIFO;
    }

    boolean isCharacterDevice() {
        return (mode & S_IFMT) == S_IFCHR;
    }

    boolean isSocket() {
        return (mode & S_IFMT) == S_IFSOCK;
    }

    boolean isSameFile(FileStatus other) {
        return other != null && device == other.device && inode == other.inode;
    }

    private static FileStatus read(MemorySegment status) {
        long major = status.get(JAVA_INT, DEVICE_MAJOR);
        long minor = status.get(JAVA_INT, DEVICE_MINOR);
        return new FileStatus(
                (major << Integer.SIZE) | Integer.toUnsignedLong((int) minor),
                status.get(JAVA_LONG, INODE),
                Short.toUnsignedInt(status.get(JAVA_SHORT, MODE)),
                status.get(JAVA_LONG, SIZE),
                Integer.toUnsignedLong(status.get(JAVA_INT, BLOCK_SIZE)));
    }
}
