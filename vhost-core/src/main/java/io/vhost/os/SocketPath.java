package io.vhost.os;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A path that fits into the address of a Unix socket, and what errors mean that concern it.
 *
 * <pre>
 * struct sockaddr_un   0  family (2 bytes)
 *                      2  path   (108 bytes, ends with 0)
 * </pre>
 */
final class SocketPath {
    /** The family of Unix sockets. */
    static final int AF_UNIX = 1;
    /** Bytes of {@code struct sockaddr_un}. */
    static final int ADDRESS_SIZE = 110;
    /** Longest path in bytes, without the 0 at its end. */
    static final int MAX_LENGTH = 107;

    private static final long PATH_OFFSET = 2;
    /** What {@link Path} itself decodes file names with. */
    private static final Charset ENCODING = Charset.forName(System.getProperty("sun.jnu.encoding", "UTF-8"));

    private final Path path;
    private final byte[] bytes;

    private SocketPath(Path path, byte[] bytes) {
        this.path = path;
        this.bytes = bytes;
    }

    /**
     * {@return a path, checked to fit}
     *
     * @param call what it is for, as in {@code "bind"}
     * @param path where the socket is or shall be
     */
    static SocketPath of(String call, Path path) {
        byte[] bytes = path.toString().getBytes(ENCODING);
        if (bytes.length == 0) {
            throw new OsException(call + "(\"\")", Errno.ENOENT, "the path is empty; name a file");
        }
        if (bytes.length > MAX_LENGTH) {
            throw new OsException(
                    call + "(" + path + ")",
                    Errno.ENAMETOOLONG,
                    "the path has " + bytes.length + " bytes and a Unix socket's may have " + MAX_LENGTH
                            + "; choose a shorter one");
        }
        return new SocketPath(path, bytes);
    }

    /** {@return the path as a C string} */
    MemorySegment nativePath(Arena arena) {
        MemorySegment string = arena.allocate(bytes.length + 1L);
        MemorySegment.copy(bytes, 0, string, JAVA_BYTE, 0, bytes.length);
        return string;
    }

    /** {@return the path as a {@code struct sockaddr_un}} */
    MemorySegment nativeAddress(Arena arena) {
        MemorySegment address = arena.allocate(ADDRESS_SIZE, Short.BYTES);
        address.set(JAVA_SHORT, 0, (short) AF_UNIX);
        MemorySegment.copy(bytes, 0, address, JAVA_BYTE, PATH_OFFSET, bytes.length);
        return address;
    }

    /** {@return the exception for a call that failed on this path, with cause and remedy where known} */
    OsException failure(String call, int errno) {
        String explanation = explain(errno);
        String operation = call + "(" + path + ")";
        return explanation.isEmpty()
                ? new OsException(operation, errno)
                : new OsException(operation, errno, explanation);
    }

    private String explain(int errno) {
        Path parent = path.toAbsolutePath().getParent();
        return switch (errno) {
            case Errno.ENOENT -> Files.isDirectory(parent)
                    ? "there is no such file in " + parent + "; start the listening side first"
                    : "the directory " + parent + " does not exist; create it, or choose another path";
            case Errno.ENOTDIR -> "a part of " + parent + " is not a directory; choose another path";
            case Errno.EACCES, Errno.EPERM -> "this user may not use the file or its directory " + parent
                    + "; change their owner or mode, or choose another path";
            case Errno.EROFS -> parent + " is read-only; choose another directory";
            case Errno.EAGAIN ->
                    "as many clients as it lets wait are waiting there; see why the listening side accepts"
                    + " none of them";
            case Errno.ECONNREFUSED -> "nobody listens there; start the listening side first";
            case Errno.EPROTOTYPE -> "the socket is not of stream type; choose another path";
            default -> "";
        };
    }

    /** {@return the path as it was given} */
    @Override
    public String toString() {
        return path.toString();
    }
}
