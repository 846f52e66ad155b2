package io.vhost.os;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A doorbell between processes: one side signals, the other waits and drains.
 *
 * <p>Usually an eventfd, but a peer may hand over any descriptor that can be written and read, as a pipe: so
 * it is made non-blocking, and no error of the descriptor reaches the data path as an exception. The peer
 * shares the open file, though: one that makes it blocking again and fills it holds up whoever signals next.
 *
 * <p>Thread: any, but {@link #close} must not run beside the other calls. {@link #signal} and {@link #drain}
 * do not allocate, a {@code signal} to a side that has left its buffer full excepted.
 */
public final class EventFd implements AutoCloseable {
    private static final int EFD_CLOEXEC = 0x80000;
    private static final int EFD_NONBLOCK = 0x800;

    private static final MemorySegment ONE = Arena.global().allocateFrom(JAVA_LONG, 1);
    private static final ThreadLocal<MemorySegment> COUNTER =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(JAVA_LONG));

    private final Descriptor descriptor;

    private EventFd(Descriptor descriptor) {
        this.descriptor = descriptor;
    }

    /** {@return a new eventfd, not signalled} */
    public static EventFd create() {
        int fd = Libc.eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (fd < 0) {
            throw new OsException("eventfd()", -fd);
        }
        return new EventFd(Descriptor.adopt(fd));
    }

    /**
     * Takes over a descriptor that a peer has sent, and makes it non-blocking.
     *
     * @param descriptor taken over, and closed if this fails
     * @return the doorbell
     * @throws OsException if it cannot be made non-blocking, as one that is open for its path only
     */
    public static EventFd adopt(Descriptor descriptor) {
        try {
            descriptor.nonBlocking();
        } catch (OsException e) {
            descriptor.close();
            throw e;
        }
        return new EventFd(descriptor);
    }

    /**
     * Wakes the other side. Does not wait: a counter at its limit, or a full pipe, wakes it already.
     *
     * @return false if the other side cannot be woken any more, as when it has closed a pipe
     */
    public boolean signal() {
        int fd = descriptor.fd();
        return Libc.writeWithoutErrno(fd, ONE, Long.BYTES) > 0 || signalAgain(fd);
    }

    /**
     * Takes the signals that have arrived, without waiting.
     *
     * @return how many, at most {@link Long#MAX_VALUE}; 0 if none, or if the descriptor cannot be read. If it
     *     is no eventfd the number means no more than that there were some
     */
    public long drain() {
        int fd = descriptor.fd();
        MemorySegment counter = COUNTER.get();
        long result = Libc.readWithoutErrno(fd, counter, Long.BYTES);
        if (result < Long.BYTES) {
            return Math.max(result, 0);
        }
        long signals = counter.get(JAVA_LONG, 0);
        return signals < 0 ? Long.MAX_VALUE : signals;
    }

    /** {@return the descriptor, for {@link Poll} or to send it; it stays this object's} */
    public Descriptor descriptor() {
        return descriptor;
    }

    /** Closes the descriptor; a second time has no effect. */
    @Override
    public void close() {
        descriptor.close();
    }

    /** Repeats a write that failed, now asking why: whether the error is harmless decides the answer. */
    private static boolean signalAgain(int fd) {
        long result;
        do {
            result = Libc.write(fd, ONE, Long.BYTES);
        } while (result == -Errno.EINTR);
        return result > 0 || result == -Errno.EAGAIN;
    }
}
