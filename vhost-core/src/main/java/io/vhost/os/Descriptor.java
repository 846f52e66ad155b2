package io.vhost.os;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The one owner of a file descriptor.
 *
 * <p>Thread: any. But the number is the kernel's to hand out again once it is closed: whoever closes makes
 * sure first that no other thread is inside a call with it, as by {@link UnixSocket#shutdown} or an
 * {@link EventFd} in its {@link Poll}.
 */
public final class Descriptor implements AutoCloseable {
    private static final AtomicInteger OPEN = new AtomicInteger();

    private static final int F_GETFL = 3;
    private static final int F_SETFL = 4;
    private static final int F_DUPFD_CLOEXEC = 1030;
    private static final int O_NONBLOCK = 0x800;
    private static final int SOL_SOCKET = 1;
    private static final int SO_TYPE = 3;

    private final int fd;
    private final DescriptorCount count;    // null: counted with the process's only
    private final AtomicBoolean closed = new AtomicBoolean();

    private Descriptor(int fd, DescriptorCount count) {
        this.fd = fd;
        this.count = count;
        OPEN.getAndIncrement();
        if (count != null) {
            count.opened();
        }
    }

    /**
     * Takes an open file descriptor over.
     *
     * @param fd its number; nobody else may close it from now on
     * @return its owner
     */
    public static Descriptor adopt(int fd) {
        return adopt(fd, null);
    }

    /** Takes an open file descriptor over and counts it, with its duplicates, until they are closed. */
    static Descriptor adopt(int fd, DescriptorCount count) {
        if (fd < 0) {
            throw new IllegalArgumentException("fd=" + fd + " is not a file descriptor");
        }
        return new Descriptor(fd, count);
    }

    /** {@return how many are not yet closed in this process} */
    public static int openDescriptors() {
        return OPEN.get();
    }

    /**
     * {@return the number, for a call that is made at once}
     *
     * @throws IllegalStateException if closed
     */
    public int fd() {
        if (closed.get()) {
            throw new IllegalStateException("file descriptor " + fd + " is closed");
        }
        return fd;
    }

    /** {@return false once closed} */
    public boolean isOpen() {
        return !closed.get();
    }

    /** {@return a second descriptor of the same open file; it has its own life time} */
    public Descriptor duplicate() {
        int copy = Libc.fcntl(fd(), F_DUPFD_CLOEXEC, 0);
        if (copy < 0) {
            throw new OsException("fcntl(fd=" + fd + ", F_DUPFD_CLOEXEC)", -copy);
        }
        return adopt(copy, count);
    }

    /** {@return the size of the file in bytes; 0 for what has no size, as a socket or a device} */
    public long size() {
        return FileStatus.of(fd()).size();
    }

    /** {@return the preferred block size of the file in bytes; the page size for a file of huge pages} */
    public long blockSize() {
        return FileStatus.of(fd()).blockSize();
    }

    /** {@return whether this is a regular file; memory files are, on disk or not, with huge pages or not} */
    public boolean isRegularFile() {
        return FileStatus.of(fd()).isRegularFile();
    }

    /**
     * Makes reads and writes return at once instead of waiting. The flag belongs to the open file, so it
     * changes for every process that shares it, and each of them can change it back.
     */
    public void nonBlocking() {
        int flags = Libc.fcntl(fd(), F_GETFL, 0);
        int result = flags < 0 ? flags : Libc.fcntl(fd, F_SETFL, flags | O_NONBLOCK);
        if (result < 0) {
            throw new OsException("fcntl(fd=" + fd + ", F_SETFL, O_NONBLOCK)", -result);
        }
    }

    /** Makes reads and writes wait, the reverse of {@link #nonBlocking}. */
    public void blocking() {
        int flags = Libc.fcntl(fd(), F_GETFL, 0);
        int result = flags < 0 ? flags : Libc.fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
        if (result < 0) {
            throw new OsException("fcntl(fd=" + fd + ", F_SETFL)", -result);
        }
    }

    /**
     * Closes the file descriptor; a second time has no effect. A socket that a peer sent is closed soon, by
     * another thread: that may wait for bytes that nobody takes, for as long as the peer likes.
     *
     * @throws OsException if somebody else has closed the number (EBADF): a fault of this process. Any other
     *     error is passed over, since the number is free then too, and a peer's file system decides about it
     */
    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        if (count != null && isSocket()) {
            count.closing().close(this::closeNow);
        } else {
            closeNow();
        }
    }

    /**
     * Closes what a peer sent soon, on another thread, and anything else now; a second time has no effect.
     */
    void closeElsewhere() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        if (count != null) {
            count.closing().closeUnattended(this::closeNow);
        } else {
            closeNow();
        }
    }

    private void closeNow() {
        int result = Libc.close(fd);
        OPEN.getAndDecrement();
        if (count != null) {
            count.closed();
        }
        if (result == -Errno.EBADF) {
            throw new OsException("close(fd=" + fd + ")", Errno.EBADF, "closed behind its owner's back");
        }
    }

    /** Asked in a way that waits neither for who holds the lock of the socket nor for a file system. */
    private boolean isSocket() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment type = arena.allocate(JAVA_INT);
            return Libc.getsockopt(fd, SOL_SOCKET, SO_TYPE, type, arena.allocateFrom(JAVA_INT, Integer.BYTES))
                    == 0;
        }
    }

    /** {@return the number, and whether it is closed} */
    @Override
    public String toString() {
        return closed.get() ? "fd=" + fd + " (closed)" : "fd=" + fd;
    }
}
