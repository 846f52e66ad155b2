package io.vhost.os;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;

/**
 * One method per libc function, named as it is.
 *
 * <p>Every method returns what the function returns, or, where the function reports failure through
 * {@code errno}, the negative error number: the convention of the system call itself. So a result carries its
 * error, and no state is left behind.
 *
 * <p>Thread: any. {@code errno} is captured into a scratch segment of the calling thread. Capturing costs a
 * small allocation, so the calls of the data path do without it: they say so, or are {@code ...WithoutErrno}.
 */
@SuppressWarnings("restricted")
final class Libc {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final StructLayout CALL_STATE = Linker.Option.captureStateLayout();
    private static final VarHandle ERRNO =
            CALL_STATE.varHandle(PathElement.groupElement("errno")).withInvokeExactBehavior();
    private static final ThreadLocal<MemorySegment> STATE =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(CALL_STATE));

    private static final MethodHandle ACCEPT4 =
            capturing("accept4", JAVA_INT, JAVA_INT, ADDRESS, ADDRESS, JAVA_INT);
    private static final MethodHandle BIND = capturing("bind", JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle CHMOD = capturing("chmod", JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle CLOSE = capturing("close", JAVA_INT, JAVA_INT);
    private static final MethodHandle CONNECT = capturing("connect", JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle EVENTFD = capturing("eventfd", JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle FCHMOD = capturing("fchmod", JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle FCNTL =
            capturingVariadic("fcntl", 2, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle FTRUNCATE = capturing("ftruncate", JAVA_INT, JAVA_INT, JAVA_LONG);
    private static final MethodHandle FUTEX_ERRNO = capturingVariadic(
            "syscall", 1, JAVA_LONG,
            JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_LONG);
    private static final MethodHandle FUTEX = plainVariadic(
            "syscall", 1, JAVA_LONG,
            JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_LONG);
    private static final MethodHandle GETSOCKOPT =
            capturing("getsockopt", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS);
    private static final MethodHandle IOCTL =
            capturingVariadic("ioctl", 2, JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS);
    private static final MethodHandle IO_GETEVENTS = plainVariadic(
            "syscall", 1, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS, ADDRESS);
    private static final MethodHandle IO_SETUP =
            capturingVariadic("syscall", 1, JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS);
    private static final MethodHandle IO_SUBMIT =
            plainVariadic("syscall", 1, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS);
    private static final MethodHandle LISTEN = capturing("listen", JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle MEMFD_CREATE = capturing("memfd_create", JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle MMAP =
            capturing("mmap", JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG);
    private static final MethodHandle MUNMAP = capturing("munmap", JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle OPEN = capturingVariadic("open", 2, JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle OPEN_MODE =
            capturingVariadic("open", 2, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT);
    private static final MethodHandle POLL = capturing("poll", JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT);
    private static final MethodHandle PREADV2 = plainVariadic(
            "syscall", 1, JAVA_LONG,
            JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle READ_ERRNO = capturing("read", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG);
    private static final MethodHandle READ = plain("read", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG);
    private static final MethodHandle RECVMSG = capturing("recvmsg", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle SCHED_GETAFFINITY =
            capturing("sched_getaffinity", JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS);
    private static final MethodHandle SCHED_SETAFFINITY =
            capturing("sched_setaffinity", JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS);
    private static final MethodHandle SENDMSG = capturing("sendmsg", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle SETSOCKOPT =
            capturing("setsockopt", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT);
    private static final MethodHandle SHUTDOWN = capturing("shutdown", JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle SOCKET = capturing("socket", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT);
    private static final MethodHandle SOCKETPAIR =
            capturing("socketpair", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS);
    private static final MethodHandle STATX =
            capturing("statx", JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT, ADDRESS);
    private static final MethodHandle STRERROR_R = plain("strerror_r", ADDRESS, JAVA_INT, ADDRESS, JAVA_LONG);
    private static final MethodHandle SYSCONF = plain("sysconf", JAVA_LONG, JAVA_INT);
    private static final MethodHandle UNLINK = capturing("unlink", JAVA_INT, ADDRESS);
    private static final MethodHandle WRITE = capturing("write", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG);
    private static final MethodHandle WRITE_PLAIN = plain("write", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG);

    // Calls for which not every libc has a function; their numbers differ between architectures.
    private static final boolean X86_64 = System.getProperty("os.arch").equals("amd64");
    private static final long SYS_FUTEX = X86_64 ? 202 : 98;
    private static final long SYS_IO_SETUP = X86_64 ? 206 : 0;
    private static final long SYS_IO_SUBMIT = X86_64 ? 209 : 2;
    private static final long SYS_IO_GETEVENTS = X86_64 ? 208 : 4;
    private static final long SYS_PREADV2 = X86_64 ? 327 : 286;
    private static final long CURRENT_POSITION = -1;
    private static final long RWF_NOWAIT = 8;

    private static final long FUTEX_WAKE_OP = 5;

    private static final int SC_PAGESIZE = 30;
    private static final int ERROR_TEXT_LENGTH = 128;

    private Libc() {}

    static int accept4(int fd, int flags) {
        MemorySegment state = STATE.get();
        try {
            MemorySegment none = MemorySegment.NULL;
            return result((int) ACCEPT4.invokeExact(state, fd, none, none, flags), state);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int bind(int fd, MemorySegment address, int length) {
        MemorySegment state = STATE.get();
        try {
            return result((int) BIND.invokeExact(state, fd, address, length), state);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int chmod(MemorySegment path, int mode) {
        MemorySegment state = STATE.get();
        try {
            return result((int) CHMOD.invokeExact(state, path, mode), state);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int close(int fd) {
        MemorySegment state = STATE.get();
        try {
            return result((int) CLOSE.invokeExact(state, fd), state);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int connect(int fd, MemorySegment address, int length) {
        MemorySegment state = STATE.get();
        try {
            return result((int) CONNECT.invokeExact(state, fd, address, length), state);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int eventfd(int initial, int flags) {
        MemorySegment state = STATE.get();
        try {
            return result((int) EVENTFD.invokeExact(state, initial, flags), state);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int fchmod(int fd, int mode) {
        MemorySegment state = STATE.get();
        try {
            return result((int) FCHMOD.invokeExact(state, fd, mode), state);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int fcntl(int fd, int command, int argument) {
        MemorySegment state = STATE.get();
        try {
            return result((int) FCNTL.invokeExact(state, fd, command, argument), state);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int ftruncate(int fd, long length) {
        MemorySegment state = STATE.get();
        try {
            return result((int) FTRUNCATE.invokeExact(state, fd, length), state);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /**
     * {@return 0, or the negative error number} Nobody is woken: what counts is the operation on the word.
     *
     * @param word 4 bytes, aligned
     * @param operation as {@code FUTEX_OP} of linux/futex.h makes it
     */
    static int futexWakeOp(MemorySegment word, long operation) {
        MemorySegment state = STATE.get();
        try {
            return (int) result((long) FUTEX_ERRNO.invokeExact(
                    state, SYS_FUTEX, word, FUTEX_WAKE_OP, 0L, 0L, word, operation), state);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** {@return 0, or -1} Otherwise as {@link #futexWakeOp}. Does not allocate. */
    static int futexWakeOpWithoutErrno(MemorySegment word, long operation) {
        try {
            return (int) (long) FUTEX.invokeExact(
                    SYS_FUTEX, word, FUTEX_WAKE_OP, 0L, 0L, word, operation);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int getsockopt(int fd, int level, int name, MemorySegment value, MemorySegment length) {
        MemorySegment state = STATE.get();
        try {
            return result((int) GETSOCKOPT.invokeExact(state, fd, level, name, value, length), state);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int ioctl(int fd, long request, MemorySegment argument) {
        MemorySegment state = STATE.get();
        try {
            return result((int) IOCTL.invokeExact(state, fd, request, argument), state);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static long ioSetup(int events, MemorySegment context) {
        MemorySegment state = STATE.get();
        try {
            return result((long) IO_SETUP.invokeExact(state, SYS_IO_SETUP, (long) events, context), state);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** {@return 1 if the one request of the list was submitted, or -1} Does not allocate. */
    static long ioSubmit(long context, MemorySegment list) {
        try {
            return (long) IO_SUBMIT.invokeExact(SYS_IO_SUBMIT, context, 1L, list);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** {@return how many completions were there, up to {@code max}, or -1} Does not allocate. */
    static long ioGetevents(long context, long max, MemorySegment events, MemorySegment timeout) {
        try {
            return (long) IO_GETEVENTS.invokeExact(SYS_IO_GETEVENTS, context, 0L, max, events, timeout);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int listen(int fd, int backlog) {
        MemorySegment state = STATE.get();
        try {
            return result((int) LISTEN.invokeExact(state, fd, backlog), state);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int memfdCreate(MemorySegment name, int flags) {
        MemorySegment state = STATE.get();
        try {
            return result((int) MEMFD_CREATE.invokeExact(state, name, flags), state);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static long mmap(long address, long length, int protection, int flags, int fd, long offset) {
        MemorySegment state = STATE.get();
        try {
            long mapped = (long) MMAP.invokeExact(state, address, length, protection, flags, fd, offset);
            return result(mapped, state);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int munmap(long address, long length) {
        MemorySegment state = STATE.get();
        try {
            return result((int) MUNMAP.invokeExact(state, address, length), state);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int open(MemorySegment path, int flags, int mode) {
        MemorySegment state = STATE.get();
        try {
            return result((int) OPEN_MODE.invokeExact(state, path, flags, mode), state);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int open(MemorySegment path, int flags) {
        MemorySegment state = STATE.get();
        try {
            return result((int) OPEN.invokeExact(state, path, flags), state);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int poll(MemorySegment descriptors, long count, int timeoutMillis) {
        MemorySegment state = STATE.get();
        try {
            return result((int) POLL.invokeExact(state, descriptors, count, timeoutMillis), state);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** {@return how many bytes were read into one struct iovec's memory, or -1} Does not wait or allocate. */
    static long preadv2NoWait(int fd, MemorySegment iovec) {
        try {
            return (long) PREADV2.invokeExact(
                    SYS_PREADV2, (long) fd, iovec, 1L, CURRENT_POSITION, 0L, RWF_NOWAIT);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static long read(int fd, MemorySegment bytes, long length) {
        MemorySegment state = STATE.get();
        try {
            return result((long) READ_ERRNO.invokeExact(state, fd, bytes, length), state);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** {@return how many bytes were read, or -1} Does not allocate. */
    static long readWithoutErrno(int fd, MemorySegment bytes, long length) {
        try {
            return (long) READ.invokeExact(fd, bytes, length);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static long recvmsg(int fd, MemorySegment message, int flags) {
        MemorySegment state = STATE.get();
        try {
            return result((long) RECVMSG.invokeExact(state, fd, message, flags), state);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int schedGetaffinity(int thread, MemorySegment cpus) {
        MemorySegment state = STATE.get();
        try {
            return result((int) SCHED_GETAFFINITY.invokeExact(state, thread, cpus.byteSize(), cpus), state);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int schedSetaffinity(int thread, MemorySegment cpus) {
        MemorySegment state = STATE.get();
        try {
            return result((int) SCHED_SETAFFINITY.invokeExact(state, thread, cpus.byteSize(), cpus), state);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static long sendmsg(int fd, MemorySegment message, int flags) {
        MemorySegment state = STATE.get();
        try {
            return result((long) SENDMSG.invokeExact(state, fd, message, flags), state);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int setsockopt(int fd, int level, int option, MemorySegment value, int length) {
        MemorySegment state = STATE.get();
        try {
            return result((int) SETSOCKOPT.invokeExact(state, fd, level, option, value, length), state);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int shutdown(int fd, int how) {
        MemorySegment state = STATE.get();
        try {
            return result((int) SHUTDOWN.invokeExact(state, fd, how), state);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int socket(int domain, int type, int protocol) {
        MemorySegment state = STATE.get();
        try {
            return result((int) SOCKET.invokeExact(state, domain, type, protocol), state);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int socketpair(int domain, int type, int protocol, MemorySegment pair) {
        MemorySegment state = STATE.get();
        try {
            return result((int) SOCKETPAIR.invokeExact(state, domain, type, protocol, pair), state);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int statx(int directory, MemorySegment path, int flags, int mask, MemorySegment status) {
        MemorySegment state = STATE.get();
        try {
            return result((int) STATX.invokeExact(state, directory, path, flags, mask, status), state);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** {@return the text of an error number} */
    static String strerror(int errno) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(ERROR_TEXT_LENGTH);
            MemorySegment text = (MemorySegment) STRERROR_R.invokeExact(errno, buffer, buffer.byteSize());
            // glibc returns the text, which is not always in the buffer; musl fills the buffer and returns 0.
            return (text.address() == 0 ? buffer : text.reinterpret(ERROR_TEXT_LENGTH)).getString(0);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** {@return the size of a page in bytes, a power of two} */
    static long pageSize() {
        try {
            return (long) SYSCONF.invokeExact(SC_PAGESIZE);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int unlink(MemorySegment path) {
        MemorySegment state = STATE.get();
        try {
            return result((int) UNLINK.invokeExact(state, path), state);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static long write(int fd, MemorySegment bytes, long length) {
        MemorySegment state = STATE.get();
        try {
            return result((long) WRITE.invokeExact(state, fd, bytes, length), state);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** {@return how many bytes were written, or -1} Does not allocate. */
    static long writeWithoutErrno(int fd, MemorySegment bytes, long length) {
        try {
            return (long) WRITE_PLAIN.invokeExact(fd, bytes, length);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    private static int result(int result, MemorySegment state) {
        return result == -1 ? -(int) ERRNO.get(state, 0L) : result;
    }

    private static long result(long result, MemorySegment state) {
        return result == -1 ? -(int) ERRNO.get(state, 0L) : result;
    }

    /** The handles throw nothing checked; what is left is a segment used after its arena was closed. */
    private static RuntimeException unexpected(Throwable e) {
        return switch (e) {
            case RuntimeException misuse -> misuse;
            case Error error -> throw error;
            default -> throw new AssertionError(e);
        };
    }

    private static MethodHandle capturing(String function, MemoryLayout result, MemoryLayout... arguments) {
        Linker.Option captureErrno = Linker.Option.captureCallState("errno");
        return handle(function, FunctionDescriptor.of(result, arguments), captureErrno);
    }

    private static MethodHandle capturingVariadic(
            String function, int fixedArguments, MemoryLayout result, MemoryLayout... arguments) {
        return handle(
                function,
                FunctionDescriptor.of(result, arguments),
                Linker.Option.captureCallState("errno"),
                Linker.Option.firstVariadicArg(fixedArguments));
    }

    private static MethodHandle plain(String function, MemoryLayout result, MemoryLayout... arguments) {
        return handle(function, FunctionDescriptor.of(result, arguments));
    }

    private static MethodHandle plainVariadic(
            String function, int fixedArguments, MemoryLayout result, MemoryLayout... arguments) {
        return handle(
                function,
                FunctionDescriptor.of(result, arguments),
                Linker.Option.firstVariadicArg(fixedArguments));
    }

    private static MethodHandle handle(String function, FunctionDescriptor type, Linker.Option... options) {
        return LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow(function), type, options);
    }
}
