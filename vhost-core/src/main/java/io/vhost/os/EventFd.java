package io.vhost.os;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A doorbell between processes: one side signals, the other waits and drains.
 *
 * <p>The other side shares the open file and may be hostile: it can fill the counter, empty it, and make
 * reads and writes wait. Neither {@link #signal} nor {@link #drain} waits for all that, and no error reaches
 * the data path as an exception. That needs {@code io_submit(2)}, and {@code RWF_NOWAIT} on eventfds (Linux
 * 5.8); where a kernel or sandbox refuses them, plain calls on a non-blocking descriptor take their place,
 * which a hostile side can make wait.
 *
 * <p>Thread: any, but {@link #close} must not run beside the other calls. {@link #signal} and {@link #drain}
 * do not allocate.
 */
public final class EventFd implements AutoCloseable {
    private static final int EFD_CLOEXEC = 0x80000;
    private static final int EFD_NONBLOCK = 0x800;
    private static final String LINK = "anon_inode:[eventfd]";

    private static final MemorySegment ONE = Arena.global().allocateFrom(JAVA_LONG, 1);
    /** Scratch for reads: struct iovec, then the counter that it describes. */
    private static final ThreadLocal<MemorySegment> COUNTER = ThreadLocal.withInitial(EventFd::counter);
    private static final long COUNTER_OFFSET = 16;

    private static final boolean READS_NEVER_WAIT = readsNeverWait();

    private final Descriptor descriptor;
    private final KernelSignal kernel;
    private final MemorySegment request;

    private EventFd(Descriptor descriptor) {
        this(descriptor, KernelSignal.ofProcess());
    }

    /** With null instead of the kernel's help, as where it refuses it. */
    EventFd(Descriptor descriptor, KernelSignal kernel) {
        this.descriptor = descriptor;
        this.kernel = kernel;
        this.request = kernel == null ? null : kernel.request(descriptor.fd());
    }

    /** {@return a new eventfd, not signalled} */
    public static EventFd create() {
        return new EventFd(open());
    }

    private static Descriptor open() {
        int fd = Libc.eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (fd < 0) {
            throw new OsException("eventfd()", -fd);
        }
        return Descriptor.adopt(fd);
    }

    /**
     * Takes over an eventfd that a peer has sent.
     *
     * @param descriptor taken over, and closed if this fails
     * @return the doorbell
     * @throws OsException if it is something else: a pipe or socket could be made to wait
     */
    public static EventFd adopt(Descriptor descriptor) {
        try {
            requireEventFd(descriptor.fd());
            descriptor.nonBlocking();
            return new EventFd(descriptor);
        } catch (OsException e) {
            descriptor.close();
            throw e;
        }
    }

    private static void requireEventFd(int fd) {
        String link;
        try {
            link = Files.readSymbolicLink(Path.of("/proc/self/fd", Integer.toString(fd))).toString();
        } catch (IOException e) {
            // Without /proc it is not known, and the kernel refuses each signal instead.
            return;
        }
        if (!link.equals(LINK)) {
            throw new OsException(
                    "adopt(fd=" + fd + ")", Errno.EINVAL, "it is " + link + "; send an eventfd");
        }
    }

    /**
     * Wakes the other side. Does not wait: a counter at its limit wakes it already.
     *
     * @return false if the other side cannot be woken
     */
    public boolean signal() {
        int fd = descriptor.fd();
        return kernel != null ? kernel.submit(request) : write(fd);
    }

    /**
     * Takes the signals that have arrived, without waiting.
     *
     * @return how many, at most {@link Long#MAX_VALUE}; 0 if none
     */
    public long drain() {
        int fd = descriptor.fd();
        MemorySegment counter = COUNTER.get();
        if (read(fd, counter) < Long.BYTES) {
            return 0;
        }
        long signals = counter.get(JAVA_LONG, COUNTER_OFFSET);
        return signals < 0 ? Long.MAX_VALUE : signals;
    }

    /** {@return the descriptor, for {@link Poll} or to send it; it stays this object's} */
    public Descriptor descriptor() {
        return descriptor;
    }

    /**
     * Closes the descriptor on another thread if a peer sent it, soon: that takes long where very many others
     * have it watched. A second time, or after {@link #close}, it has no effect.
     */
    public void closeElsewhere() {
        descriptor.closeElsewhere();
    }

    /** Closes the descriptor; a second time has no effect. */
    @Override
    public void close() {
        descriptor.close();
    }

    private static long read(int fd, MemorySegment counter) {
        return READS_NEVER_WAIT ? Libc.preadv2NoWait(fd, counter)
                : Libc.readWithoutErrno(fd, counter.asSlice(COUNTER_OFFSET), Long.BYTES);
    }

    private static boolean write(int fd) {
        long result = Libc.writeWithoutErrno(fd, ONE, Long.BYTES);
        while (result < 0) {
            // Repeated with the reason asked for: whether the error is harmless decides the answer.
            result = Libc.write(fd, ONE, Long.BYTES);
            if (result != -Errno.EINTR) {
                return result > 0 || result == -Errno.EAGAIN;
            }
        }
        return true;
    }

    private static MemorySegment counter() {
        MemorySegment scratch = Arena.ofAuto().allocate(COUNTER_OFFSET + Long.BYTES, Long.BYTES);
        scratch.set(ADDRESS, 0, scratch.asSlice(COUNTER_OFFSET));
        scratch.set(JAVA_LONG, Long.BYTES, Long.BYTES);
        return scratch;
    }

    private static boolean readsNeverWait() {
        try (Descriptor event = open()) {
            MemorySegment counter = counter();
            return write(event.fd()) && Libc.preadv2NoWait(event.fd(), counter) == Long.BYTES;
        }
    }
}
