package io.vhost.os;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/**
 * A Unix datagram socket that a service manager listens on (systemd's {@code NOTIFY_SOCKET}, sd_notify(3)).
 *
 * <p>Thread: any.
 */
public final class NotifySocket implements AutoCloseable {
    private static final int SOCK_DGRAM = 2;
    private static final long PATH_OFFSET = 2;

    private final Descriptor descriptor;

    private NotifySocket(Descriptor descriptor) {
        this.descriptor = descriptor;
    }

    /**
     * Connects.
     *
     * @param address a path, or a name that begins with {@code @} and has no file
     * @return the connection
     * @throws OsException if the address is none, or nobody listens there
     */
    public static NotifySocket connect(String address) {
        byte[] bytes = address.getBytes(StandardCharsets.UTF_8);
        boolean isAbstract = address.startsWith("@");
        String call = "connect(" + address + ")";
        boolean isPath = address.startsWith("/");
        if (!(isPath || isAbstract) || bytes.length > SocketPath.MAX_LENGTH) {
            throw new OsException(call, Errno.EINVAL, "this is no path from / on, or name from @ on, of at"
                    + " most " + SocketPath.MAX_LENGTH + " bytes");
        }
        int fd = Libc.socket(SocketPath.AF_UNIX, SOCK_DGRAM | UnixSocket.SOCK_CLOEXEC, 0);
        if (fd < 0) {
            throw new OsException("socket", -fd);
        }
        Descriptor socket = Descriptor.adopt(fd);
        int result = connect(socket, bytes, isAbstract);
        if (result < 0) {
            socket.close();
            throw new OsException(call, -result);
        }
        return new NotifySocket(socket);
    }

    private static int connect(Descriptor socket, byte[] bytes, boolean isAbstract) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = arena.allocate(SocketPath.ADDRESS_SIZE, Short.BYTES);
            address.set(JAVA_SHORT, 0, (short) SocketPath.AF_UNIX);
            MemorySegment.copy(bytes, 0, address, JAVA_BYTE, PATH_OFFSET, bytes.length);
            if (isAbstract) {
                // The first byte is 0 and the length counts: there is no 0 at the end.
                address.set(JAVA_BYTE, PATH_OFFSET, (byte) 0);
                return Libc.connect(socket.fd(), address, (int) PATH_OFFSET + bytes.length);
            }
            return Libc.connect(socket.fd(), address, SocketPath.ADDRESS_SIZE);
        }
    }

    /**
     * Sends one message.
     *
     * @param text as {@code READY=1}
     * @throws OsException if it does not arrive
     */
    public void send(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment message = arena.allocate(bytes.length);
            MemorySegment.copy(bytes, 0, message, JAVA_BYTE, 0, bytes.length);
            long result = Libc.write(descriptor.fd(), message, bytes.length);
            if (result < 0) {
                throw new OsException("write(" + text + ")", (int) -result);
            }
        }
    }

    @Override
    public void close() {
        descriptor.close();
    }
}
