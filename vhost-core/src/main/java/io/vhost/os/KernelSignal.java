package io.vhost.os;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Signals eventfds without ever waiting, whatever the processes that share them do.
 *
 * <p>A write to an eventfd whose counter is at its limit waits, unless {@code O_NONBLOCK} is set: and counter
 * and flag are at the mercy of every process that shares the open file. The kernel does not wait when it
 * signals one itself. So a signal is a request for asynchronous I/O here, a read of no bytes, which ends at
 * once and has its end signalled on the eventfd ({@code io_submit(2)}, {@code IOCB_FLAG_RESFD}).
 *
 * <p>Thread: any. One context serves the process; it counts against {@code fs.aio-max-nr}.
 *
 * <pre>
 * struct iocb   0 data   8 key   16 opcode   20 fd   24 buffer   32 length   40 offset
 *              56 flags   60 eventfd
 * </pre>
 */
final class KernelSignal {
    /** Completions that the kernel keeps at least, until they are taken. */
    private static final int COMPLETIONS = 128;
    /** The kernel rounds up, by more than this on machines of many CPUs only. */
    private static final int MAX_TAKEN = 1024;
    private static final int COMPLETION_SIZE = 32;
    private static final int ATTEMPTS = 16;

    private static final long IOCB_SIZE = 64;
    private static final long OPCODE = 16;
    private static final long FILE = 20;
    private static final long FLAGS = 56;
    private static final long EVENT_FD = 60;
    private static final short IOCB_CMD_PREAD = 0;
    private static final int IOCB_FLAG_RESFD = 1;
    private static final int O_CLOEXEC = 0x80000;

    private static final KernelSignal PROCESS = open();

    private final long context;
    private final int file;
    // Written by the kernel and read by nobody, so that threads may share it.
    private final MemorySegment taken =
            Arena.global().allocate((long) MAX_TAKEN * COMPLETION_SIZE, Long.BYTES);
    private final MemorySegment noTime = Arena.global().allocate(2 * Long.BYTES, Long.BYTES);

    private KernelSignal(long context, int file) {
        this.context = context;
        this.file = file;
    }

    /** {@return the process's, or null where the kernel refuses: there is no asynchronous I/O, or no more} */
    static KernelSignal ofProcess() {
        return PROCESS;
    }

    private static KernelSignal open() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment context = arena.allocate(JAVA_LONG);
            if (Libc.ioSetup(COMPLETIONS, context) < 0) {
                return null;
            }
            // Both live as long as the process.
            int file = Libc.open(arena.allocateFrom("/dev/null"), O_CLOEXEC);
            return file < 0 ? null : new KernelSignal(context.get(JAVA_LONG, 0), file);
        }
    }

    /**
     * {@return a request that signals an eventfd each time it is {@linkplain #submit submitted}}
     *
     * @param eventFd its descriptor, of which nothing is checked
     */
    MemorySegment request(int eventFd) {
        MemorySegment list = Arena.ofAuto().allocate(ADDRESS.byteSize() + IOCB_SIZE, Long.BYTES);
        MemorySegment iocb = list.asSlice(ADDRESS.byteSize(), IOCB_SIZE);
        iocb.set(JAVA_SHORT, OPCODE, IOCB_CMD_PREAD);
        iocb.set(JAVA_INT, FILE, file);
        iocb.set(JAVA_INT, FLAGS, IOCB_FLAG_RESFD);
        iocb.set(JAVA_INT, EVENT_FD, eventFd);
        list.set(ADDRESS, 0, iocb);
        return list;
    }

    /** Signals; false if the kernel will not, as when the descriptor is no eventfd. Does not allocate. */
    boolean submit(MemorySegment request) {
        return Libc.ioSubmit(context, request) == 1 || submitWithRoom(request);
    }

    /** The kernel has no room for another completion until those there are taken, by whatever thread. */
    private boolean submitWithRoom(MemorySegment request) {
        boolean submitted = false;
        for (int i = 0; i < ATTEMPTS && !submitted; i++) {
            Libc.ioGetevents(context, MAX_TAKEN, taken, noTime);
            submitted = Libc.ioSubmit(context, request) == 1;
        }
        return submitted;
    }
}
