package io.vhost.os;

import java.lang.foreign.Arena;

/** A memory file that may be sealed and is not yet, of a front-end that leaves that to others. */
public final class SealableFile {
    private static final int MFD_CLOEXEC = 1;
    private static final int MFD_ALLOW_SEALING = 2;

    private SealableFile() {}

    /** {@return its descriptor} */
    public static Descriptor create(String name, long size) {
        try (Arena arena = Arena.ofConfined()) {
            int fd = Libc.memfdCreate(arena.allocateFrom(name), MFD_CLOEXEC | MFD_ALLOW_SEALING);
            Descriptor file = Descriptor.adopt(fd);
            resize(file, size);
            return file;
        }
    }

    /** {@return whether the file could be given this length} */
    public static boolean resize(Descriptor file, long size) {
        return Libc.ftruncate(file.fd(), size) == 0;
    }
}
