package io.vhost.capture;

import io.vhost.os.OsException;
import io.vhost.os.OutputFile;
import io.vhost.pcap.PcapngBuffer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Locale;
import java.util.Queue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;

/** Where blocks go: a file, a pipe, or one file after the other. Thread: one. */
final class CaptureOutput implements AutoCloseable {
    private static final int LOOK_MILLIS = 100;
    /** How long a pipe may be full at the end of a capture, in ns, without that its reader takes anything. */
    private static final long PATIENCE = 2_000_000_000L;

    private final Path path;
    private final boolean replaces;
    private final boolean numbered;
    private final int kept;
    private final BooleanSupplier ending;
    private final Queue<Path> written = new ArrayDeque<>();
    private OutputFile file;
    private final AtomicInteger files = new AtomicInteger();
    /** Of the file that is open. */
    private long bytes;
    private final AtomicLong total = new AtomicLong();
    private OsException failure;

    /** Nothing is open yet; {@code ending} tells whether a slow reader is to be waited for no more. */
    CaptureOutput(Path path, CaptureOptions options, BooleanSupplier ending) {
        this.path = path;
        this.replaces = options.replaces();
        this.numbered = options.fileSize() > 0;
        this.kept = options.fileCount();
        this.ending = ending;
    }

    /**
     * Opens the file, or the next one.
     *
     * @return false: it is a pipe without a reader
     * @throws OsException if it cannot be had
     */
    boolean open() {
        Path next = numbered ? numbered(path, files.get() + 1) : path;
        OutputFile opened = OutputFile.open(next, replaces);
        if (opened == null) {
            return false;
        }
        file = opened;
        bytes = 0;
        if (numbered) {
            keep(next);
        }
        files.incrementAndGet();
        return true;
    }

    /**
     * Opens the pipe again.
     *
     * @return false: there is no reader, or no pipe
     */
    boolean openPipe() {
        OutputFile opened = OutputFile.openPipe(path);
        if (opened == null) {
            return false;
        }
        file = opened;
        bytes = 0;
        files.incrementAndGet();
        return true;
    }

    private void keep(Path next) {
        written.add(next);
        if (kept > 0 && written.size() > kept) {
            try {
                Files.deleteIfExists(written.remove());
            } catch (IOException _) {
                // One too many: no reason to stop.
            }
        }
    }

    /** The name of one file of several. */
    static Path numbered(Path path, int number) {
        String name = String.valueOf(path.getFileName());
        int dot = name.lastIndexOf('.');
        String stem = dot <= 0 ? name : name.substring(0, dot);
        return path.resolveSibling(String.format(Locale.ROOT, "%s_%05d%s", stem, number,
                name.substring(stem.length())));
    }

    boolean isOpen() {
        return file != null;
    }

    boolean isPipe() {
        return file != null && file.isPipe();
    }

    /** Whether it can be that somebody reads. */
    boolean hasReader() {
        return file == null || file.hasReader();
    }

    /** Bytes in the file that is open. */
    long bytes() {
        return bytes;
    }

    /** Bytes in all files. Any thread. */
    long total() {
        return total.get();
    }

    /** Files so far. Any thread. */
    int files() {
        return files.get();
    }

    /** Why {@link #write} did not write all; null: the reader did not take it until the end. */
    OsException failure() {
        return failure;
    }

    /**
     * Writes blocks.
     *
     * @return bytes of those that are whole in the file: all, unless that has failed
     */
    long write(PcapngBuffer blocks) {
        long length = blocks.length();
        long done = 0;
        long moved = System.nanoTime();
        failure = null;
        try {
            while (done < length && System.nanoTime() - moved < PATIENCE) {
                long more = file.write(blocks.memory(), done, length - done);
                done += more;
                if (more > 0 || !ending.getAsBoolean()) {
                    moved = System.nanoTime();
                }
                if (more == 0) {
                    file.awaitRoom(LOOK_MILLIS);
                }
            }
        } catch (OsException e) {
            failure = e;
        }
        long whole = done == length ? length : blocks.wholeBlocks(done);
        bytes += whole;
        total.addAndGet(whole);
        if (whole < done) {
            cut();
        }
        return whole;
    }

    /** What is cut off in the middle would make readers complain. */
    private void cut() {
        try {
            file.truncate(bytes);
        } catch (OsException _) {
            // The failure that is told is the first one.
        }
    }

    @Override
    public void close() {
        if (file != null) {
            file.close();
            file = null;
        }
    }
}
