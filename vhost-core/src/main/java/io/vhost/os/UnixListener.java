package io.vhost.os;

import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Set;

/**
 * A Unix stream socket that listens on a path.
 *
 * <p>Thread: any for {@link #accept}, one for {@link #close}, which comes after the last {@code accept} has
 * returned. A thread that can be told to stop waits in {@link Poll} and calls {@code accept} when that says
 * so.
 *
 * <p>As with every listener, a client that finds the file in the moment before it is listened on is refused
 * and has to try again. Listening under another name first would spare it that, but the kernel would show
 * that name to the administrator for ever.
 */
public final class UnixListener implements AutoCloseable {
    /** The mode of the socket file unless told otherwise: the owner may connect. */
    public static final int OWNER_ONLY = 0600;

    /** Clients that may wait for {@link #accept} unless told otherwise. */
    public static final int BACKLOG = 128;

    private static final int SOCK_NONBLOCK = 0x800;

    private final Path path;
    private final SocketPath address;
    private final Descriptor descriptor;
    private final FileStatus file;
    private final DescriptorCount arrivals = new DescriptorCount();

    private UnixListener(Path path, SocketPath address, Descriptor descriptor, FileStatus file) {
        this.path = path;
        this.address = address;
        this.descriptor = descriptor;
        this.file = file;
        arrivals.closing().begin();
        // Made once beforehand: what it needs may be loaded from files, and then none can be opened.
        String _ = noDescriptor(Errno.EMFILE).getMessage();
    }

    /**
     * Takes a listening socket over. Its file, if it has one, is left alone at the end.
     *
     * @param descriptor the socket
     * @return the listener, whose path is that of the descriptor
     */
    public static UnixListener adopt(Descriptor descriptor) {
        Path path = Path.of("/proc/self/fd", Integer.toString(descriptor.fd()));
        return new UnixListener(path, SocketPath.of("accept", path), descriptor, null);
    }

    /**
     * Listens on a path that only this user, and root, can connect to.
     *
     * @param path as for {@link #bind(Path, int)}
     * @return the listener
     */
    public static UnixListener bind(Path path) {
        return bind(path, OWNER_ONLY);
    }

    /**
     * Listens on a path. A socket file that a dead process has left there is replaced; anything else that is
     * there is left alone.
     *
     * @param path where, at most 107 bytes; the directory exists
     * @param mode permissions of the socket file, whatever the umask, and never more than these; write
     *     permission is what a client needs
     * @return the listener
     * @throws OsException with path, cause and remedy
     */
    public static UnixListener bind(Path path, int mode) {
        return bind(path, mode, BACKLOG);
    }

    /**
     * The same, with permissions as Java has them.
     *
     * @param path as for {@link #bind(Path, int)}
     * @param permissions of the socket file
     * @return the listener
     */
    public static UnixListener bind(Path path, Set<PosixFilePermission> permissions) {
        return bind(path, mode(permissions));
    }

    /**
     * The same, with a choice of how many clients may wait.
     *
     * @param path as for {@link #bind(Path, int)}
     * @param permissions of the socket file
     * @param backlog as for {@link #bind(Path, int, int)}
     * @return the listener
     */
    public static UnixListener bind(Path path, Set<PosixFilePermission> permissions, int backlog) {
        return bind(path, mode(permissions), backlog);
    }

    /** The permissions as the system has them: one bit each, from the owner's read permission down. */
    private static int mode(Set<PosixFilePermission> permissions) {
        int mode = 0;
        for (PosixFilePermission each : PosixFilePermission.values()) {
            mode = mode << 1 | (permissions.contains(each) ? 1 : 0);
        }
        return mode;
    }

    /**
     * The same, with a choice of how many clients may wait. Linux lets one more wait; those after it wait in
     * {@code connect}.
     *
     * @param path as for {@link #bind(Path, int)}
     * @param mode as for {@link #bind(Path, int)}
     * @param backlog at least 1
     * @return the listener
     */
    public static UnixListener bind(Path path, int mode, int backlog) {
        SocketPath address = SocketPath.of("bind", path);
        Descriptor socket = UnixSocket.open(0);
        UnixListener listener;
        try {
            limitMode(socket, address, mode);
            bindOrReplace(socket, address);
            listener = new UnixListener(path, address, socket, FileStatus.at(address));
        } catch (OsException | OutOfMemoryError e) {
            socket.close();
            throw e;
        }
        try {
            listener.listen(mode, backlog);
        } catch (OsException e) {
            listener.close();
            throw e;
        }
        return listener;
    }

    /**
     * Waits for a client.
     *
     * @return the connection to it
     * @throws OsException if this process has no descriptor left (EMFILE) or the system no file (ENFILE); the
     *     client keeps waiting
     */
    public UnixSocket accept() {
        int fd;
        do {
            fd = Libc.accept4(descriptor.fd(), UnixSocket.SOCK_CLOEXEC);
        } while (fd == -Errno.EINTR || fd == -Errno.ECONNABORTED);
        if (fd == -Errno.EMFILE || fd == -Errno.ENFILE) {
            throw noDescriptor(-fd);
        }
        if (fd < 0) {
            throw address.failure("accept", -fd);
        }
        return UnixSocket.adopt(Descriptor.adopt(fd), arrivals);
    }

    /**
     * {@return whether so many connections that were turned away are still being closed that no more should
     * be accepted} See {@link UnixSocket#turnAway}. Any thread.
     */
    public boolean isClogged() {
        return arrivals.closing().isClogged();
    }

    /**
     * Waits for a moment for what came over connections accepted here and is being closed on another thread.
     */
    public void settle() {
        arrivals.closing().settle();
    }

    /** {@return how many descriptors that came over connections accepted here are open; any thread} */
    public int openArrivals() {
        return arrivals.open();
    }

    private OsException noDescriptor(int errno) {
        String limit = errno == Errno.EMFILE ? "ulimit -n" : "fs.file-max";
        return new OsException("accept(" + path + ")", errno, "raise the limit (" + limit + ")");
    }

    /** {@return where it listens, as it was given} */
    public Path path() {
        return path;
    }

    /** {@return the descriptor, for {@link Poll}: readable when a client waits; it stays this object's} */
    public Descriptor descriptor() {
        return descriptor;
    }

    /**
     * Stops listening and removes the socket file if it is still ours. A second time has no effect. What
     * clients that wait have sent may take long to close, so another thread does that.
     *
     * @throws OsException if the file cannot be removed; nobody listens any more all the same
     */
    @Override
    public void close() {
        if (descriptor.isOpen()) {
            try {
                // Before the descriptor: a file that nobody listens on may be replaced by another process's.
                if (file != null) {
                    unlinkIf(address, file);
                }
            } finally {
                // With it those who wait are closed, and all that they have sent.
                arrivals.closing().closeSoon(descriptor);
                arrivals.closing().end();
            }
        }
    }

    private void listen(int mode, int backlog) {
        try (Arena arena = Arena.ofConfined()) {
            // What the umask has taken away; nobody can connect before listen().
            int result = Libc.chmod(address.nativePath(arena), mode);
            if (result < 0) {
                throw address.failure("chmod", -result);
            }
        }
        int result = Libc.listen(descriptor.fd(), backlog);
        if (result < 0) {
            throw address.failure("listen", -result);
        }
    }

    /**
     * The file gets the socket's mode less the umask. The socket has all permissions at first, so that the
     * file would, too, in the moment before chmod.
     */
    private static void limitMode(Descriptor socket, SocketPath address, int mode) {
        int result = Libc.fchmod(socket.fd(), mode);
        if (result < 0) {
            throw address.failure("fchmod", -result);
        }
    }

    private static void bindOrReplace(Descriptor socket, SocketPath address) {
        int result = tryBind(socket, address);
        if (result == -Errno.EADDRINUSE) {
            removeStale(address);
            result = tryBind(socket, address);
        }
        if (result < 0) {
            throw address.failure("bind", -result);
        }
    }

    private static int tryBind(Descriptor socket, SocketPath address) {
        try (Arena arena = Arena.ofConfined()) {
            return Libc.bind(socket.fd(), address.nativeAddress(arena), SocketPath.ADDRESS_SIZE);
        }
    }

    /** Removes what a dead process has left; throws if it is anything else. */
    private static void removeStale(SocketPath address) {
        FileStatus found = FileStatus.at(address);
        if (found == null) {
            return;
        }
        if (!found.isSocket()) {
            throw new OsException(
                    "bind(" + address + ")",
                    Errno.EADDRINUSE,
                    "there is a file that is not a socket; remove it yourself, or choose another path");
        }
        int probe = probe(address);
        if (probe == -Errno.ECONNREFUSED) {
            unlinkIf(address, found);
        } else if (probe == 0 || probe == -Errno.EAGAIN) {
            throw new OsException(
                    "bind(" + address + ")",
                    Errno.EADDRINUSE,
                    "a live process listens there; stop it, or choose another path");
        } else if (probe != -Errno.ENOENT) {
            throw address.failure("bind", -probe);
        }
    }

    /** {@return what connecting gives, without waiting: EAGAIN from a listener whose backlog is full} */
    private static int probe(SocketPath address) {
        try (Descriptor socket = UnixSocket.open(SOCK_NONBLOCK)) {
            return UnixSocket.connect(socket, address);
        }
    }

    private static void unlinkIf(SocketPath address, FileStatus expected) {
        FileStatus found = FileStatus.at(address);
        if (found != null && found.isSameFile(expected)) {
            try (Arena arena = Arena.ofConfined()) {
                int result = Libc.unlink(address.nativePath(arena));
                if (result < 0 && result != -Errno.ENOENT) {
                    throw address.failure("unlink", -result);
                }
            }
        }
    }
}
