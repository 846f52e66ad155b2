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

    /**
     * Any system call, whose six arguments are as wide as a pointer: a pointer, or a number as one. All calls
     * share it, since the JVM makes and compiles a class for each kind of signature, which an AOT cache does
     * not keep: with one for each function the program started a tenth of a second later.
     */
    private static final MethodHandle SYSCALL = LINKER.downcallHandle(
            LINKER.defaultLookup().findOrThrow("syscall"),
            FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS),
            Linker.Option.firstVariadicArg(1), Linker.Option.captureCallState("errno"));

    // Those of the data path have signatures of their own: a number as a pointer may be an object.
    private static final MethodHandle FUTEX = plainVariadic(
            "syscall", 1, JAVA_LONG,
            JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_LONG);
    private static final MethodHandle IO_GETEVENTS = plainVariadic(
            "syscall", 1, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS, ADDRESS);
    private static final MethodHandle IO_SUBMIT =
            plainVariadic("syscall", 1, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS);
    private static final MethodHandle POLL = LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow("poll"),
            FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT),
            Linker.Option.captureCallState("errno"));
    private static final MethodHandle PREADV2 = plainVariadic(
            "syscall", 1, JAVA_LONG,
            JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle READ = plain("read", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG);
    private static final MethodHandle WRITE = plain("write", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG);

    // Their numbers differ between architectures.
    private static final boolean X86_64 = System.getProperty("os.arch").equals("amd64");
    private static final long SYS_ACCEPT4 = X86_64 ? 288 : 242;
    private static final long SYS_BIND = X86_64 ? 49 : 200;
    private static final long SYS_CLOSE = X86_64 ? 3 : 57;
    private static final long SYS_CONNECT = X86_64 ? 42 : 203;
    private static final long SYS_EVENTFD2 = X86_64 ? 290 : 19;
    private static final long SYS_FCHMOD = X86_64 ? 91 : 52;
    private static final long SYS_FCHMODAT = X86_64 ? 268 : 53;
    private static final long SYS_FCNTL = X86_64 ? 72 : 25;
    private static final long SYS_FTRUNCATE = X86_64 ? 77 : 46;
    private static final long SYS_FUTEX = X86_64 ? 202 : 98;
    private static final long SYS_GETSOCKOPT = X86_64 ? 55 : 209;
    private static final long SYS_IO_GETEVENTS = X86_64 ? 208 : 4;
    private static final long SYS_IO_SETUP = X86_64 ? 206 : 0;
    private static final long SYS_IO_SUBMIT = X86_64 ? 209 : 2;
    private static final long SYS_IOCTL = X86_64 ? 16 : 29;
    private static final long SYS_LISTEN = X86_64 ? 50 : 201;
    private static final long SYS_MEMFD_CREATE = X86_64 ? 319 : 279;
    private static final long SYS_MMAP = X86_64 ? 9 : 222;
    private static final long SYS_MUNMAP = X86_64 ? 11 : 215;
    private static final long SYS_OPENAT = X86_64 ? 257 : 56;
    private static final long SYS_PREADV2 = X86_64 ? 327 : 286;
    private static final long SYS_READ = X86_64 ? 0 : 63;
    private static final long SYS_RECVMSG = X86_64 ? 47 : 212;
    private static final long SYS_SCHED_GETAFFINITY = X86_64 ? 204 : 123;
    private static final long SYS_SCHED_SETAFFINITY = X86_64 ? 203 : 122;
    private static final long SYS_SENDMSG = X86_64 ? 46 : 211;
    private static final long SYS_SETSOCKOPT = X86_64 ? 54 : 208;
    private static final long SYS_SHUTDOWN = X86_64 ? 48 : 210;
    private static final long SYS_SOCKET = X86_64 ? 41 : 198;
    private static final long SYS_SOCKETPAIR = X86_64 ? 53 : 199;
    private static final long SYS_STATX = X86_64 ? 332 : 291;
    private static final long SYS_UNLINKAT = X86_64 ? 263 : 35;
    private static final long SYS_WRITE = X86_64 ? 1 : 64;
    private static final MemorySegment NONE = MemorySegment.NULL;
    private static final int AT_FDCWD = -100;
    private static final long CURRENT_POSITION = -1;
    private static final long RWF_NOWAIT = 8;

    private static final long FUTEX_WAKE_OP = 5;

    private static final int SC_PAGESIZE = 30;
    private static final int ERROR_TEXT_LENGTH = 128;

    private Libc() {}

    static int accept4(int fd, int flags) {
        return (int) call(SYS_ACCEPT4, number(fd), NONE, NONE, number(flags));
    }

    static int bind(int fd, MemorySegment address, int length) {
        return (int) call(SYS_BIND, number(fd), address, number(length));
    }

    static int chmod(MemorySegment path, int mode) {
        return (int) call(SYS_FCHMODAT, number(AT_FDCWD), path, number(mode));
    }

    static int close(int fd) {
        return (int) call(SYS_CLOSE, number(fd));
    }

    static int connect(int fd, MemorySegment address, int length) {
        return (int) call(SYS_CONNECT, number(fd), address, number(length));
    }

    static int eventfd(int initial, int flags) {
        return (int) call(SYS_EVENTFD2, number(initial), number(flags));
    }

    static int fchmod(int fd, int mode) {
        return (int) call(SYS_FCHMOD, number(fd), number(mode));
    }

    static int fcntl(int fd, int command, int argument) {
        return (int) call(SYS_FCNTL, number(fd), number(command), number(argument));
    }

    static int ftruncate(int fd, long length) {
        return (int) call(SYS_FTRUNCATE, number(fd), number(length));
    }

    /**
     * {@return 0, or the negative error number} Nobody is woken: what counts is the operation on the word.
     *
     * @param word 4 bytes, aligned
     * @param operation as {@code FUTEX_OP} of linux/futex.h makes it
     */
    static int futexWakeOp(MemorySegment word, long operation) {
        return (int) call(
                SYS_FUTEX, word, number(FUTEX_WAKE_OP), NONE, NONE, word, number(operation));
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
        return (int) call(SYS_GETSOCKOPT, number(fd), number(level), number(name), value, length);
    }

    static int ioctl(int fd, long request, MemorySegment argument) {
        return (int) call(SYS_IOCTL, number(fd), number(request), argument);
    }

    static long ioSetup(int events, MemorySegment context) {
        return call(SYS_IO_SETUP, number(events), context);
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
        return (int) call(SYS_LISTEN, number(fd), number(backlog));
    }

    static int memfdCreate(MemorySegment name, int flags) {
        return (int) call(SYS_MEMFD_CREATE, name, number(flags));
    }

    static long mmap(long address, long length, int protection, int flags, int fd, long offset) {
        return call(SYS_MMAP, number(address), number(length), number(protection), number(flags),
                number(fd), number(offset));
    }

    static int munmap(long address, long length) {
        return (int) call(SYS_MUNMAP, number(address), number(length));
    }

    static int open(MemorySegment path, int flags, int mode) {
        return (int) call(SYS_OPENAT, number(AT_FDCWD), path, number(flags), number(mode));
    }

    static int open(MemorySegment path, int flags) {
        return open(path, flags, 0);
    }

    static int poll(MemorySegment descriptors, long count, int timeoutMillis) {
        MemorySegment state = STATE.get();
        try {
            return (int) result((int) POLL.invokeExact(state, descriptors, count, timeoutMillis), state);
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
        return call(SYS_READ, number(fd), bytes, number(length));
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
        return call(SYS_RECVMSG, number(fd), message, number(flags));
    }

    /** {@return 0, or the negative error number} */
    static int schedGetaffinity(int thread, MemorySegment cpus) {
        long written = call(SYS_SCHED_GETAFFINITY, number(thread), number(cpus.byteSize()), cpus);
        if (written < 0) {
            return (int) written;
        }
        cpus.asSlice(written).fill((byte) 0);
        return 0;
    }

    static int schedSetaffinity(int thread, MemorySegment cpus) {
        return (int) call(SYS_SCHED_SETAFFINITY, number(thread), number(cpus.byteSize()), cpus);
    }

    static long sendmsg(int fd, MemorySegment message, int flags) {
        return call(SYS_SENDMSG, number(fd), message, number(flags));
    }

    static int setsockopt(int fd, int level, int option, MemorySegment value, int length) {
        return (int) call(SYS_SETSOCKOPT, number(fd), number(level), number(option), value, number(length));
    }

    static int shutdown(int fd, int how) {
        return (int) call(SYS_SHUTDOWN, number(fd), number(how));
    }

    static int socket(int domain, int type, int protocol) {
        return (int) call(SYS_SOCKET, number(domain), number(type), number(protocol));
    }

    static int socketpair(int domain, int type, int protocol, MemorySegment pair) {
        return (int) call(SYS_SOCKETPAIR, number(domain), number(type), number(protocol), pair);
    }

    static int statx(int directory, MemorySegment path, int flags, int mask, MemorySegment status) {
        return (int) call(SYS_STATX, number(directory), path, number(flags), number(mask), status);
    }

    /** {@return the text of an error number} */
    static String strerror(int errno) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(ERROR_TEXT_LENGTH);
            MethodHandle function = plain("strerror_r", ADDRESS, JAVA_INT, ADDRESS, JAVA_LONG);
            MemorySegment text = (MemorySegment) function.invokeExact(errno, buffer, buffer.byteSize());
            // glibc returns the text, which is not always in the buffer; musl fills the buffer and returns 0.
            return (text.address() == 0 ? buffer : text.reinterpret(ERROR_TEXT_LENGTH)).getString(0);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /** {@return the size of a page in bytes, a power of two} */
    static long pageSize() {
        try {
            return (long) plain("sysconf", JAVA_LONG, JAVA_INT).invokeExact(SC_PAGESIZE);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static int unlink(MemorySegment path) {
        return (int) call(SYS_UNLINKAT, number(AT_FDCWD), path, NONE);
    }

    static long write(int fd, MemorySegment bytes, long length) {
        return call(SYS_WRITE, number(fd), bytes, number(length));
    }

    /** {@return how many bytes were written, or -1} Does not allocate. */
    static long writeWithoutErrno(int fd, MemorySegment bytes, long length) {
        try {
            return (long) WRITE.invokeExact(fd, bytes, length);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    private static MemorySegment number(long value) {
        return MemorySegment.ofAddress(value);
    }

    private static long call(long number, MemorySegment first) {
        return call(number, first, NONE, NONE, NONE, NONE, NONE);
    }

    private static long call(long number, MemorySegment first, MemorySegment second) {
        return call(number, first, second, NONE, NONE, NONE, NONE);
    }

    private static long call(long number, MemorySegment first, MemorySegment second, MemorySegment third) {
        return call(number, first, second, third, NONE, NONE, NONE);
    }

    private static long call(long number, MemorySegment first, MemorySegment second, MemorySegment third,
            MemorySegment fourth) {
        return call(number, first, second, third, fourth, NONE, NONE);
    }

    private static long call(long number, MemorySegment first, MemorySegment second, MemorySegment third,
            MemorySegment fourth, MemorySegment fifth) {
        return call(number, first, second, third, fourth, fifth, NONE);
    }

    private static long call(long number, MemorySegment first, MemorySegment second, MemorySegment third,
            MemorySegment fourth, MemorySegment fifth, MemorySegment sixth) {
        MemorySegment state = STATE.get();
        try {
            return result((long) SYSCALL.invokeExact(
                    state, number, first, second, third, fourth, fifth, sixth), state);
        } catch (Throwable e) {
            throw unexpected(e);
        }
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
