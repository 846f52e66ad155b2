package io.vhost.os;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * A file, or a pipe with a name, that is written from its beginning and never waited for without a limit:
 * opening a pipe does not wait for a reader, nor writing for room.
 *
 * <p>Thread: one.
 */
public final class OutputFile implements AutoCloseable {
    private static final int O_WRONLY = 1;
    private static final int O_CREAT = 0x40;
    private static final int O_EXCL = 0x80;
    /** A terminal that is opened must not become that of the process, whose hang-up would end it. */
    private static final int O_NOCTTY = 0x100;
    private static final int O_TRUNC = 0x200;
    private static final int O_NONBLOCK = 0x800;
    private static final int O_CLOEXEC = 0x80000;
    /** Packets are nobody else's business. */
    private static final int OWNER_ONLY = 0600;
    /** What {@link Path} itself decodes file names with. */
    private static final Charset ENCODING = Charset.forName(System.getProperty("sun.jnu.encoding", "UTF-8"));

    private final Path path;
    private final Descriptor descriptor;
    private final boolean pipe;
    private final boolean regular;
    private final Poll poll;

    private OutputFile(Path path, Descriptor descriptor, FileStatus status) {
        this.path = path;
        this.descriptor = descriptor;
        this.pipe = status.isPipe();
        this.regular = status.isRegularFile();
        this.poll = new Poll(descriptor);
        poll.interest(0, false, true);
    }

    /**
     * Opens a file; it is created with mode 600 if there is none, and is empty then.
     *
     * @param path a file, a pipe or a character device, or nothing yet
     * @param replaces whether a file that exists is emptied; false: it is refused
     * @return the file; null: a pipe without a reader
     * @throws OsException with cause and remedy where they are known
     */
    public static OutputFile open(Path path, boolean replaces) {
        boolean exists = exists(path);
        int how = exists && !Files.isRegularFile(path) ? 0
                : O_CREAT | (replaces ? O_TRUNC : O_EXCL);
        int fd = open(path, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC | how);
        if (fd == -Errno.ENXIO && isPipe(path)) {
            return null;
        }
        if (fd < 0) {
            throw new OsException("open(" + path + ")", -fd, remedy(-fd));
        }
        OutputFile file = adopt(path, fd);
        if (how == 0 && file.regular) {
            // It was something else a moment ago: neither is it new nor was it emptied.
            file.close();
            throw new OsException("open(" + path + ")", Errno.EEXIST, remedy(Errno.EEXIST));
        }
        return file;
    }

    /**
     * Opens a pipe, and nothing else.
     *
     * @param path that may lead anywhere, or nowhere
     * @return the pipe; null: there is none, or nobody reads it
     * @throws OsException if it cannot be opened for another reason
     */
    public static OutputFile openPipe(Path path) {
        int fd = open(path, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
        if (fd == -Errno.ENXIO || fd == -Errno.ENOENT) {
            return null;
        }
        if (fd < 0) {
            throw new OsException("open(" + path + ")", -fd, remedy(-fd));
        }
        OutputFile file = adopt(path, fd);
        if (!file.pipe) {
            file.close();
            return null;
        }
        return file;
    }

    private static OutputFile adopt(Path path, int fd) {
        Descriptor descriptor = Descriptor.adopt(fd);
        boolean complete = false;
        try {
            FileStatus status = FileStatus.of(fd);
            if (!status.isPipe() && !status.isRegularFile() && !status.isCharacterDevice()) {
                throw new OsException("open(" + path + ")", Errno.EINVAL, "it is neither a file nor a pipe;"
                        + " name another");
            }
            OutputFile file = new OutputFile(path, descriptor, status);
            complete = true;
            return file;
        } finally {
            if (!complete) {
                descriptor.close();
            }
        }
    }

    private static int open(Path path, int flags) {
        try (Arena arena = Arena.ofConfined()) {
            byte[] bytes = path.toString().getBytes(ENCODING);
            MemorySegment string = arena.allocate(bytes.length + 1L);
            MemorySegment.copy(bytes, 0, string, JAVA_BYTE, 0, bytes.length);
            return Libc.open(string, flags, OWNER_ONLY);
        }
    }

    private static String remedy(int errno) {
        return switch (errno) {
            case Errno.EISDIR -> "it is a directory; name a file in it";
            case Errno.EEXIST -> "there is a file already; name another, or remove it";
            case Errno.EACCES, Errno.EPERM -> "this user may not write there; choose another file";
            case Errno.ENOENT, Errno.ENOTDIR -> "its directory does not exist; create it";
            case Errno.ENXIO -> "it is a socket or a device that does not work; name a file or a pipe";
            default -> "name another file";
        };
    }

    private static boolean exists(Path path) {
        try {
            return Files.getAttribute(path, "unix:mode") != null;
        } catch (NoSuchFileException _) {
            return false;
        } catch (IOException _) {
            // The call itself says what is wrong.
            return false;
        }
    }

    /**
     * {@return whether there is a pipe at a path}
     *
     * @param path that may lead anywhere, or nowhere
     */
    public static boolean isPipe(Path path) {
        try {
            return Files.getAttribute(path, "unix:mode") instanceof Integer mode
                    && new FileStatus(0, 0, mode, 0, 0).isPipe();
        } catch (IOException _) {
            return false;
        }
    }

    /** {@return whether this is a pipe, whose reader may go} */
    public boolean isPipe() {
        return pipe;
    }

    /** {@return whether this is a file that {@link #truncate} can cut} */
    public boolean isRegular() {
        return regular;
    }

    /**
     * Writes what there is room for.
     *
     * @param bytes native memory
     * @param offset of the first byte
     * @param length bytes, 1 or more
     * @return bytes that were written; 0: there is no room in the pipe, see {@link #awaitRoom}
     * @throws OsException if that fails: {@link Errno#ENOSPC} for a full disk, {@link Errno#EPIPE} for a pipe
     *     whose reader has gone
     */
    public long write(MemorySegment bytes, long offset, long length) {
        MemorySegment part = bytes.asSlice(offset, length);
        long written;
        do {
            written = Libc.write(descriptor.fd(), part, length);
        } while (written == -Errno.EINTR);
        if (written == -Errno.EAGAIN) {
            return 0;
        }
        if (written < 0) {
            throw new OsException("write(" + path + ")", (int) -written);
        }
        return written;
    }

    /**
     * Waits until a pipe has room, or its reader goes.
     *
     * @param millis how long at most
     */
    public void awaitRoom(int millis) {
        int _ = poll.await(millis);
    }

    /** {@return whether somebody reads: always true but for a pipe} */
    public boolean hasReader() {
        if (!pipe) {
            return true;
        }
        // Of a pipe without a reader poll tells an error whatever it is asked for.
        poll.interest(0, false, false);
        boolean lost = poll.await(0) > 0;
        poll.interest(0, false, true);
        return !lost;
    }

    /**
     * Cuts a regular file, so that it ends where something whole does; others stay as they are.
     *
     * @param length bytes that are left
     */
    public void truncate(long length) {
        if (regular) {
            int result = Libc.ftruncate(descriptor.fd(), length);
            if (result < 0) {
                throw new OsException("ftruncate(" + path + ", " + length + ")", -result);
            }
        }
    }

    @Override
    public void close() {
        descriptor.close();
    }
}
