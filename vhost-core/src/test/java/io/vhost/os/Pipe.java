package io.vhost.os;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** A pipe: what a peer may send where an eventfd is expected. */
public record Pipe(Descriptor readEnd, Descriptor writeEnd) implements AutoCloseable {
    private static final int O_CLOEXEC = 0x80000;

    @SuppressWarnings("restricted")
    private static final MethodHandle PIPE2 = Linker.nativeLinker()
            .downcallHandle(
                    Linker.nativeLinker().defaultLookup().findOrThrow("pipe2"),
                    FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT));

    /** {@return both ends of a new pipe, which blocks} */
    public static Pipe open() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment fds = arena.allocate(JAVA_INT, 2);
            if ((int) PIPE2.invokeExact(fds, O_CLOEXEC) != 0) {
                throw new AssertionError("pipe2 failed");
            }
            Descriptor readEnd = Descriptor.adopt(fds.getAtIndex(JAVA_INT, 0));
            return new Pipe(readEnd, Descriptor.adopt(fds.getAtIndex(JAVA_INT, 1)));
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public void close() {
        readEnd.close();
        writeEnd.close();
    }
}
