package io.vhost.os;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;

/** Files opened in ways that a peer could choose. */
public final class Opened {
    private static final int O_RDONLY = 0;
    private static final int O_RDWR = 2;
    private static final int O_CLOEXEC = 0x80000;
    private static final int O_PATH = 0x200000;

    @SuppressWarnings("restricted")
    private static final MethodHandle OPEN = Linker.nativeLinker()
            .downcallHandle(
                    Linker.nativeLinker().defaultLookup().findOrThrow("open"),
                    FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT),
                    Linker.Option.firstVariadicArg(2));

    private Opened() {}

    /** {@return a descriptor that cannot be written} */
    public static Descriptor readOnly(Path path) {
        return open(path, O_RDONLY);
    }

    /** {@return a descriptor of the kind that a front-end sends} */
    public static Descriptor readWrite(Path path) {
        return open(path, O_RDWR);
    }

    /** {@return a descriptor that names a file and can do nothing with it} */
    public static Descriptor pathOnly(Path path) {
        return open(path, O_PATH);
    }

    private static Descriptor open(Path path, int flags) {
        try (Arena arena = Arena.ofConfined()) {
            int fd = (int) OPEN.invokeExact(arena.allocateFrom(path.toString()), flags | O_CLOEXEC, 0);
            return Descriptor.adopt(fd);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }
}
