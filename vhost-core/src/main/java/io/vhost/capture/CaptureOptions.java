package io.vhost.capture;

import io.vhost.device.PacketProgram;
import java.util.Objects;
import java.util.Optional;

/** How packets are recorded. Immutable: each method that changes something returns another. */
public final class CaptureOptions {
    /** Bytes of a packet that are kept unless told otherwise, as with other tools: all. */
    public static final int SNAP_LENGTH = 262_144;
    /** Bytes of the buffer unless told otherwise. */
    public static final int BUFFER = 16 << 20;
    /** Least bytes of a buffer. */
    public static final int LEAST_BUFFER = 1 << 16;
    /** Most bytes of a buffer. */
    public static final int MOST_BUFFER = 1 << 30;
    /** Least bytes of a file of several. */
    public static final long LEAST_FILE = 4096;

    private static final CaptureOptions DEFAULTS =
            new CaptureOptions(SNAP_LENGTH, BUFFER, 0, 0, null, "", false, true);

    private final int snapLength;
    private final int buffer;
    private final long fileSize;
    private final int files;
    private final PacketProgram filter;
    private final String filterName;
    private final boolean passed;
    private final boolean replaces;

    private CaptureOptions(int snapLength, int buffer, long fileSize, int files, PacketProgram filter,
            String filterName, boolean passed, boolean replaces) {
        this.snapLength = snapLength;
        this.buffer = buffer;
        this.fileSize = fileSize;
        this.files = files;
        this.filter = filter;
        this.filterName = filterName;
        this.passed = passed;
        this.replaces = replaces;
    }

    /** {@return all packets whole, before programs, into one file} */
    public static CaptureOptions defaults() {
        return DEFAULTS;
    }

    /**
     * Keeps the first bytes of each packet only.
     *
     * @param bytes 1 to {@link #SNAP_LENGTH}
     * @throws IllegalArgumentException if it is out of range
     */
    public CaptureOptions snapLength(int bytes) {
        if (bytes < 1 || bytes > SNAP_LENGTH) {
            throw new IllegalArgumentException("a snap length of " + bytes + " bytes; give 1 to "
                    + SNAP_LENGTH);
        }
        return new CaptureOptions(bytes, buffer, fileSize, files, filter, filterName, passed, replaces);
    }

    /**
     * Sets how much can wait for the writer; packets for which there is no room are dropped and counted.
     *
     * @param bytes {@link #LEAST_BUFFER} to {@link #MOST_BUFFER}; made a power of two, upwards
     * @throws IllegalArgumentException if it is out of range
     */
    public CaptureOptions buffer(int bytes) {
        if (bytes < LEAST_BUFFER || bytes > MOST_BUFFER) {
            throw new IllegalArgumentException("a buffer of " + bytes + " bytes; give " + LEAST_BUFFER
                    + " to " + MOST_BUFFER);
        }
        int size = Integer.highestOneBit(2 * bytes - 1);
        return new CaptureOptions(snapLength, size, fileSize, files, filter, filterName, passed, replaces);
    }

    /**
     * Writes several files, with a number before the ending of their names: {@code a_00001.pcapng} and so on.
     *
     * @param bytes most bytes of each, {@link #LEAST_FILE} or more; only a first packet may be longer
     * @param count files that are kept, the oldest goes first; 0: all
     * @throws IllegalArgumentException if one of them is out of range
     */
    public CaptureOptions files(long bytes, int count) {
        if (bytes < LEAST_FILE || count < 0) {
            throw new IllegalArgumentException("files of " + bytes + " bytes, of which " + count + " are"
                    + " kept; give " + LEAST_FILE + " bytes or more, and 0 to keep all");
        }
        return new CaptureOptions(snapLength, buffer, bytes, count, filter, filterName, passed, replaces);
    }

    /**
     * Records those packets only of which a program says {@link io.vhost.device.Verdict#PASS}. Whatever it
     * says, packets go on their way. It must not change packets.
     *
     * @param program that looks at packets
     * @param name what the file says of it
     */
    public CaptureOptions filter(PacketProgram program, String name) {
        return new CaptureOptions(snapLength, buffer, fileSize, files,
                Objects.requireNonNull(program, "program"), Objects.requireNonNull(name, "name"), passed,
                replaces);
    }

    /** Records what the programs of a place let pass, as they leave it, instead of what comes before them. */
    public CaptureOptions passed() {
        return new CaptureOptions(snapLength, buffer, fileSize, files, filter, filterName, true, replaces);
    }

    /** Refuses a file that exists, which is emptied otherwise. */
    public CaptureOptions newFile() {
        return new CaptureOptions(snapLength, buffer, fileSize, files, filter, filterName, passed, false);
    }

    /** {@return most bytes of a packet that are kept} */
    public int snapLength() {
        return snapLength;
    }

    /** {@return bytes that can wait for the writer} */
    public int bufferSize() {
        return buffer;
    }

    /** {@return most bytes of a file; 0: there is one, of any size} */
    public long fileSize() {
        return fileSize;
    }

    /** {@return files that are kept; 0: all} */
    public int fileCount() {
        return files;
    }

    /** {@return what says which packets are recorded; empty: all are} */
    public Optional<PacketProgram> filter() {
        return Optional.ofNullable(filter);
    }

    /** {@return what the file says of the filter; may be empty} */
    public String filterName() {
        return filterName;
    }

    /** {@return whether packets are recorded behind the programs, not before them} */
    public boolean isPassed() {
        return passed;
    }

    /** {@return whether a file that exists is emptied, not refused} */
    public boolean replaces() {
        return replaces;
    }
}
