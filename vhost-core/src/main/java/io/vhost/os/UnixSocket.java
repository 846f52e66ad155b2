package io.vhost.os;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;

/**
 * One end of a Unix stream connection, which carries bytes and file descriptors.
 *
 * <p>Thread: one that sends and one that receives, at a time. {@link #shutdown} may come from any thread: it
 * ends the calls of both. {@link #close} comes after them.
 *
 * <p>Bytes go through a buffer of the call, so the segments given may be of any kind and may be closed by
 * another thread meanwhile. This is a control connection; packets do not go this way.
 */
public final class UnixSocket implements AutoCloseable {
    /** Most descriptors that one message may bring us. vhost-user sends 8. */
    public static final int MAX_RECEIVED_DESCRIPTORS = 16;
    /** Most descriptors that one message may take along: the kernel's SCM_MAX_FD. */
    public static final int MAX_SENT_DESCRIPTORS = 253;

    static final int SOCK_CLOEXEC = 0x80000;

    private static final int SOCK_STREAM = 1;
    private static final int SOL_SOCKET = 1;
    private static final int SO_PEERCRED = 17;
    private static final int SO_SNDTIMEO = 21;
    private static final int SHUT_RDWR = 2;
    private static final int MSG_DONTWAIT = 0x40;
    private static final int MSG_NOSIGNAL = 0x4000;
    private static final int MSG_CMSG_CLOEXEC = 0x40000000;

    private static final long BUFFER_SIZE = 64 * 1024;
    private static final int[] NO_DESCRIPTORS = {};
    /** Messages that are thrown away one by one; a peer without privileges cannot leave as many. */
    private static final int MOST_UNREAD = 10_000;

    private final Descriptor descriptor;
    private final DescriptorCount arrivals;

    private UnixSocket(Descriptor descriptor) {
        this(descriptor, null);
    }

    private UnixSocket(Descriptor descriptor, DescriptorCount ofListener) {
        this.descriptor = descriptor;
        this.arrivals = new DescriptorCount(ofListener);
    }

    /**
     * Connects to a listening socket. Waits while its backlog is full.
     *
     * @param path where it listens, at most 107 bytes
     * @return the connection
     * @throws OsException with path, cause and remedy
     */
    public static UnixSocket connect(Path path) {
        SocketPath address = SocketPath.of("connect", path);
        Descriptor socket = open(0);
        int result = connect(socket, address);
        if (result < 0) {
            socket.close();
            throw address.failure("connect", -result);
        }
        return new UnixSocket(socket);
    }

    /**
     * Connects to a listening socket. Waits while its backlog is full, but not for ever.
     *
     * @param path where it listens, at most 107 bytes
     * @param limit how long to wait; rounded up to microseconds, at least one of them
     * @return the connection
     * @throws OsException with path, cause and remedy; EAGAIN when the backlog was full all that time
     */
    public static UnixSocket connect(Path path, Duration limit) {
        SocketPath address = SocketPath.of("connect", path);
        Descriptor socket = open(0);
        try {
            sendTimeout(socket, Math.max(1, limit.plusNanos(999).toNanos() / 1000));
            int result = connect(socket, address);
            if (result < 0) {
                throw address.failure("connect", -result);
            }
            sendTimeout(socket, 0);
            return new UnixSocket(socket);
        } catch (OsException e) {
            socket.close();
            throw e;
        }
    }

    /** {@return two sockets connected to each other} */
    public static UnixSocket[] pair() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment fds = arena.allocate(JAVA_INT, 2);
            int result = Libc.socketpair(SocketPath.AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds);
            if (result < 0) {
                throw new OsException("socketpair()", -result);
            }
            Descriptor one = Descriptor.adopt(fds.getAtIndex(JAVA_INT, 0));
            Descriptor other = Descriptor.adopt(fds.getAtIndex(JAVA_INT, 1));
            return new UnixSocket[] {adopt(one), adopt(other)};
        }
    }

    /**
     * Takes a connected stream socket over.
     *
     * @param descriptor the socket, in blocking mode
     * @return the connection
     */
    public static UnixSocket adopt(Descriptor descriptor) {
        return new UnixSocket(descriptor);
    }

    /** The same, with what comes over it counted by its listener too. */
    static UnixSocket adopt(Descriptor descriptor, DescriptorCount ofListener) {
        return new UnixSocket(descriptor, ofListener);
    }

    /**
     * Sends all bytes, and the descriptors together with the first of them. Waits while the peer's buffer is
     * full.
     *
     * @param bytes what holds the bytes
     * @param offset of the first byte
     * @param length how many, at least 1 if there are descriptors: they cannot travel alone
     * @param fds descriptors, at most 253; they stay the caller's, the peer gets duplicates
     * @throws OsException if the peer is gone (EPIPE, ECONNRESET); some bytes may have been sent
     */
    public void send(MemorySegment bytes, long offset, long length, int... fds) {
        if (fds.length > MAX_SENT_DESCRIPTORS) {
            throw new IllegalArgumentException(
                    fds.length + " descriptors in one message, must be at most " + MAX_SENT_DESCRIPTORS);
        }
        if (length == 0 && fds.length > 0) {
            throw new IllegalArgumentException("descriptors need at least one byte to travel with");
        }
        int fd = descriptor.fd();
        try (Arena arena = Arena.ofConfined()) {
            SocketMessage message = new SocketMessage(arena, Math.min(length, BUFFER_SIZE), fds.length);
            message.descriptors(fds);
            long sent = 0;
            while (sent < length) {
                long chunk = Math.min(length - sent, message.data().byteSize());
                MemorySegment.copy(bytes, offset + sent, message.data(), 0, chunk);
                message.dataLength(chunk);
                sent += sendOnce(fd, message);
                message.descriptors(NO_DESCRIPTORS);
            }
        }
    }

    /**
     * Waits for bytes and takes what is there, with the descriptors that came along. Never takes bytes from
     * behind a second set of descriptors.
     *
     * @param into where the bytes go
     * @param offset of the first byte in there
     * @param length most bytes to take, at least 1
     * @param fds what received descriptors are added to; they are the caller's. At most
     *     {@link #MAX_RECEIVED_DESCRIPTORS} a call
     * @return how many bytes, at least 1; -1 at the end of the stream, orderly or not
     * @throws LostDescriptorsException if the peer sent more descriptors than could be taken; all are closed
     *     and {@code fds} is as it was
     */
    public int receive(MemorySegment into, long offset, long length, List<Descriptor> fds)
            throws LostDescriptorsException {
        if (length < 1) {
            throw new IllegalArgumentException("length=" + length + " must be at least 1");
        }
        int fd = descriptor.fd();
        try (Arena arena = Arena.ofConfined()) {
            SocketMessage message = incoming(arena, length);
            int received = receiveOnce(fd, message);
            if (received <= 0) {
                return -1;
            }
            List<Descriptor> arrived = adoptAll(message.receivedDescriptors(), arrivals);
            if (message.isControlTruncated() || arrived.size() > MAX_RECEIVED_DESCRIPTORS) {
                arrived.forEach(Descriptor::close);
                throw new LostDescriptorsException(arrived.size(), MAX_RECEIVED_DESCRIPTORS);
            }
            fds.addAll(arrived);
            MemorySegment.copy(message.data(), 0, into, offset, received);
            return received;
        }
    }

    /**
     * Sends as many bytes as fit into the peer's buffer, without waiting.
     *
     * @param bytes what holds the bytes
     * @param offset of the first byte
     * @param length how many, at least 1
     * @return bytes sent; 0 while the buffer is full; -1 if the peer is gone
     */
    public int trySend(byte[] bytes, int offset, int length) {
        try (Arena arena = Arena.ofConfined()) {
            SocketMessage message = new SocketMessage(arena, Math.min(length, BUFFER_SIZE), 0);
            message.descriptors(NO_DESCRIPTORS);
            int chunk = (int) message.data().byteSize();
            MemorySegment.copy(bytes, offset, message.data(), JAVA_BYTE, 0, chunk);
            long sent;
            do {
                sent = Libc.sendmsg(descriptor.fd(), message.header(), MSG_NOSIGNAL | MSG_DONTWAIT);
            } while (sent == -Errno.EINTR);
            return tried(sent, "sendmsg");
        }
    }

    /**
     * Room for descriptors beyond those that are taken, which tells that they were too many; the others get
     * no number in this process. The kernel makes room for an even number.
     */
    private static SocketMessage incoming(Arena arena, long length) {
        return new SocketMessage(arena, Math.min(length, BUFFER_SIZE), MAX_RECEIVED_DESCRIPTORS + 2);
    }

    /**
     * Takes the bytes that are there, without waiting. Descriptors that come along are closed.
     *
     * @param into receives the bytes from its beginning
     * @return how many bytes; 0 if there are none now; -1 at the end of the stream, orderly or not
     */
    public int tryReceive(byte[] into) {
        try (Arena arena = Arena.ofConfined()) {
            SocketMessage message = incoming(arena, into.length);
            long received = receiveNow(message);
            if (received == 0) {
                return -1;
            }
            int count = tried(received, "recvmsg");
            MemorySegment.copy(message.data(), JAVA_BYTE, 0, into, 0, Math.max(count, 0));
            return count;
        }
    }

    /** Receives without waiting, and closes descriptors. */
    private long receiveNow(SocketMessage message) {
        long received;
        do {
            received = Libc.recvmsg(descriptor.fd(), message.header(), MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
        } while (received == -Errno.EINTR);
        if (received > 0) {
            adoptAll(message.receivedDescriptors(), arrivals).forEach(Descriptor::close);
        }
        return received;
    }

    /** {@return who is at the other end} */
    public PeerCredentials peer() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment credentials = arena.allocate(JAVA_INT, 3);
            MemorySegment length = arena.allocateFrom(JAVA_INT, (int) credentials.byteSize());
            int result = Libc.getsockopt(descriptor.fd(), SOL_SOCKET, SO_PEERCRED, credentials, length);
            if (result < 0) {
                throw new OsException("getsockopt(" + descriptor + ", SO_PEERCRED)", -result);
            }
            return new PeerCredentials(
                    credentials.getAtIndex(JAVA_INT, 0),
                    credentials.getAtIndex(JAVA_INT, 1),
                    credentials.getAtIndex(JAVA_INT, 2));
        }
    }

    /**
     * Ends the connection in both directions: calls that wait here or at the peer return. A second time, or
     * after the peer has gone, has no effect.
     */
    public void shutdown() {
        // The one error a connected socket can give is that it no longer is connected.
        int _ = Libc.shutdown(descriptor.fd(), SHUT_RDWR);
    }

    /**
     * {@return how many descriptors are open because of this connection: its own, those that were received,
     * and their duplicates}
     */
    public int openDescriptors() {
        return arrivals.open() + (descriptor.isOpen() ? 1 : 0);
    }

    /** Waits for a moment for what came over this connection and is being closed on another thread. */
    public void settle() {
        arrivals.closing().settle();
    }

    /** {@return how many descriptors that came over this connection, and duplicates of them, are open} */
    public int openArrivals() {
        return arrivals.open();
    }

    /** {@return the descriptor, for {@link Poll}; it stays this object's} */
    public Descriptor descriptor() {
        return descriptor;
    }

    /**
     * Ends the connection and closes the descriptor, as at the end of one with a peer that is not trusted:
     * what has not been read is thrown away first, for the kernel's own close of it may wait for a socket
     * among it as long as its sender likes. Without effect once closed.
     */
    public void discard() {
        if (!descriptor.isOpen()) {
            return;
        }
        shutdown();
        try (Arena arena = Arena.ofConfined()) {
            SocketMessage message = incoming(arena, BUFFER_SIZE);
            int left = MOST_UNREAD;
            while (left > 0 && receiveNow(message) > 0) {
                left--;
                message.receiveAgain();
            }
        } finally {
            descriptor.close();
        }
    }

    /**
     * Discards this connection with a peer that is turned away, on another thread: that may take as long as
     * the peer likes, because of what it sent. Waits for a moment, after which it is seldom not done.
     */
    public void turnAway() {
        arrivals.closing().closeSoon(this::discard);
    }

    /** Closes the descriptor; a second time has no effect. */
    @Override
    public void close() {
        descriptor.close();
    }

    /** {@return a stream socket that is neither bound nor connected} */
    static Descriptor open(int flags) {
        int fd = Libc.socket(SocketPath.AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
        if (fd < 0) {
            throw new OsException("socket(AF_UNIX)", -fd);
        }
        return Descriptor.adopt(fd);
    }

    /** {@return 0 or the negative error number} */
    static int connect(Descriptor socket, SocketPath path) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = path.nativeAddress(arena);
            int result;
            do {
                result = Libc.connect(socket.fd(), address, SocketPath.ADDRESS_SIZE);
            } while (result == -Errno.EINTR);
            return result;
        }
    }

    /** Limits how long connecting and sending wait, in microseconds; 0: not at all limited. */
    private static void sendTimeout(Descriptor socket, long micros) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment timeval = arena.allocateFrom(JAVA_LONG, micros / 1_000_000, micros % 1_000_000);
            int result =
                    Libc.setsockopt(socket.fd(), SOL_SOCKET, SO_SNDTIMEO, timeval, (int) timeval.byteSize());
            if (result < 0) {
                throw new OsException("setsockopt(" + socket + ", SO_SNDTIMEO)", -result);
            }
        }
    }

    private static long sendOnce(int fd, SocketMessage message) {
        long sent;
        do {
            sent = Libc.sendmsg(fd, message.header(), MSG_NOSIGNAL);
        } while (sent == -Errno.EINTR);
        if (sent < 0) {
            throw new OsException("sendmsg(fd=" + fd + ")", (int) -sent);
        }
        return sent;
    }

    private int tried(long result, String call) {
        if (result >= 0) {
            return (int) result;
        }
        return switch ((int) -result) {
            case Errno.EAGAIN -> 0;
            case Errno.EPIPE, Errno.ECONNRESET -> -1;
            default -> throw new OsException(call + "(" + descriptor + ")", (int) -result);
        };
    }

    private static int receiveOnce(int fd, SocketMessage message) {
        long received;
        do {
            received = Libc.recvmsg(fd, message.header(), MSG_CMSG_CLOEXEC);
        } while (received == -Errno.EINTR);
        if (received < 0 && received != -Errno.ECONNRESET) {
            throw new OsException("recvmsg(fd=" + fd + ")", (int) -received);
        }
        return (int) received;
    }

    private static List<Descriptor> adoptAll(int[] fds, DescriptorCount count) {
        return Arrays.stream(fds).mapToObj(fd -> Descriptor.adopt(fd, count)).toList();
    }
}
