package io.vhost.os;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A Unix stream socket that this process was started with, such as a parent's {@code --fd 3}.
 *
 * <p>Thread: any.
 */
public final class InheritedSocket {
    private static final int SOL_SOCKET = 1;
    private static final int SO_TYPE = 3;
    private static final int SO_ACCEPTCONN = 30;
    private static final int SO_DOMAIN = 39;
    private static final int SOCK_STREAM = 1;

    private InheritedSocket() {}

    /**
     * Takes a socket over, in blocking mode.
     *
     * @param fd number of the descriptor
     * @return its owner
     * @throws OsException if the number is not that of an open Unix stream socket; it is nobody's
     *     then, as before
     */
    public static Descriptor take(int fd) {
        int domain = option(fd, SO_DOMAIN);
        int type = option(fd, SO_TYPE);
        if (domain != SocketPath.AF_UNIX || type != SOCK_STREAM) {
            throw new OsException("getsockopt(fd=" + fd + ")", Errno.EPROTOTYPE,
                    "this is no Unix stream socket (domain " + domain + ", type " + type
                            + "); pass one that listens or is connected");
        }
        Descriptor socket = Descriptor.adopt(fd);
        socket.blocking();
        return socket;
    }

    /** {@return whether clients can connect to the socket; false: it is connected itself, or was} */
    public static boolean isListening(Descriptor socket) {
        return option(socket.fd(), SO_ACCEPTCONN) != 0;
    }

    private static int option(int fd, int option) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocate(JAVA_INT);
            MemorySegment length = arena.allocateFrom(JAVA_INT, Integer.BYTES);
            int result = Libc.getsockopt(fd, SOL_SOCKET, option, value, length);
            if (result < 0) {
                throw new OsException("getsockopt(fd=" + fd + ")", -result,
                        "there is no such socket; pass an open one to this process");
            }
            return value.get(JAVA_INT, 0);
        }
    }
}
