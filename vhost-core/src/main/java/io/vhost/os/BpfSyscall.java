package io.vhost.os;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;

/**
 * The {@code bpf(2)} system call, bare: a command number and its attributes.
 *
 * <p>libc has no function for it, so it goes through {@code syscall(2)}. Results follow the convention of the
 * system call: negative means an error number. Thread: any.
 */
@SuppressWarnings("restricted")
public final class BpfSyscall {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final StructLayout CALL_STATE = Linker.Option.captureStateLayout();
    private static final VarHandle ERRNO =
            CALL_STATE.varHandle(MemoryLayout.PathElement.groupElement("errno")).withInvokeExactBehavior();
    private static final ThreadLocal<MemorySegment> STATE =
            ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(CALL_STATE));
    private static final MethodHandle SYSCALL = LINKER.downcallHandle(
            LINKER.defaultLookup().findOrThrow("syscall"),
            FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT),
            Linker.Option.firstVariadicArg(1), Linker.Option.captureCallState("errno"));

    private static final long NUMBER = number(System.getProperty("os.arch"));
    private static final int ENOSYS = 38;

    private BpfSyscall() {}

    /**
     * Makes the call.
     *
     * @param command    one of the kernel's {@code enum bpf_cmd}
     * @param attributes native memory laid out as {@code union bpf_attr}; its size is passed along
     * @return a file descriptor or 0, by command; or a negative error number, {@code -ENOSYS} on machines and
     *         systems without the call
     */
    public static int call(int command, MemorySegment attributes) {
        if (NUMBER < 0) {
            return -ENOSYS;
        }
        MemorySegment state = STATE.get();
        try {
            int size = Math.toIntExact(attributes.byteSize());
            long result = (long) SYSCALL.invokeExact(state, NUMBER, command, attributes, size);
            return result < 0 ? -(int) ERRNO.get(state, 0L) : (int) result;
        } catch (Throwable e) {
            throw new IllegalStateException("bpf(command=" + command + ") could not be called", e);
        }
    }

    // asm/unistd.h of each architecture.
    private static long number(String architecture) {
        return switch (architecture) {
            case "amd64" -> 321;
            case "aarch64", "riscv64" -> 280;
            case "ppc64le" -> 361;
            case "s390x" -> 351;
            default -> -1;
        };
    }
}
