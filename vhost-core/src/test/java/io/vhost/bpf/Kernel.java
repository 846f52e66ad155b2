package io.vhost.bpf;

import io.vhost.os.BpfSyscall;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/** The running kernel as the judge of BTF and programs. Tests that ask it carry the tag {@code peer}. */
public final class Kernel implements AutoCloseable {
    private static final int PROG_LOAD = 5;
    private static final int BTF_LOAD = 18;
    private static final int LOG_SIZE = 1 << 20;

    private final Arena arena = Arena.ofConfined();
    private final MemorySegment log = arena.allocate(LOG_SIZE);
    private final MemorySegment attributes = arena.allocate(160, 8);
    private final MemorySegment data = arena.allocate(16 << 20, 8);

    /**
     * What the kernel said.
     *
     * @param result a descriptor or 0 if positive, else a negative error number
     * @param log    its log
     */
    public record Answer(int result, String log) {
        /** The error number, or 0. */
        public int errno() {
            return Math.max(0, -result);
        }

        /** The log's last line. */
        public String lastLine() {
            return log.lines().reduce("", (before, line) -> line);
        }
    }

    private Kernel() {
    }

    /** Opens the kernel's door, or skips the test with one line of why; with CI=true that is a failure. */
    public static Kernel open() {
        Kernel kernel = new Kernel();
        Answer answer = kernel.loadBtf(new byte[0]);
        if (answer.errno() != 22) {
            kernel.close();
            Peers.absent("bpf() is not usable here: errno " + answer.errno());
        }
        return kernel;
    }

    /** Offers a blob to {@code BPF_BTF_LOAD}; a descriptor that it returns is closed. */
    public Answer loadBtf(byte[] blob) {
        Answer answer = loadBtfKeeping(blob);
        if (answer.result >= 0) {
            BpfSyscall.close(answer.result);
        }
        return answer;
    }

    /** The same, but the caller closes the descriptor. */
    public Answer loadBtfKeeping(byte[] blob) {
        MemorySegment.copy(blob, 0, data, ValueLayout.JAVA_BYTE, 0, blob.length);
        attributes.fill((byte) 0);
        attributes.set(ValueLayout.JAVA_LONG, 0, data.address());
        attributes.set(ValueLayout.JAVA_LONG, 8, log.address());
        attributes.set(ValueLayout.JAVA_INT, 16, blob.length);
        attributes.set(ValueLayout.JAVA_INT, 20, LOG_SIZE);
        attributes.set(ValueLayout.JAVA_INT, 24, 1);
        log.set(ValueLayout.JAVA_BYTE, 0, (byte) 0);
        int result = BpfSyscall.call(BTF_LOAD, attributes.asSlice(0, 28));
        return new Answer(result, log.getString(0, StandardCharsets.ISO_8859_1));
    }

    /** Closes a descriptor of an answer. */
    public static void close(int fd) {
        BpfSyscall.close(fd);
    }

    int programLoad() {
        return PROG_LOAD;
    }

    @Override
    public void close() {
        arena.close();
    }
}
