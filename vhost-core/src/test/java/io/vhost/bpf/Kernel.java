package io.vhost.bpf;

import io.vhost.bpf.context.ProgramType;
import io.vhost.os.BpfSyscall;
import io.vhost.os.Descriptor;
import io.vhost.peer.Peers;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/** The running kernel as the judge of BTF and programs. Tests that ask it carry the tag {@code peer}. */
public final class Kernel implements AutoCloseable {
    private static final int PROG_LOAD = 5;
    private static final int BTF_LOAD = 18;
    private static final int LOG_SIZE = 1 << 20;
    private static final int VERBOSE = 2;
    private static final int SLEEPABLE = 1 << 4;

    private final Arena arena = Arena.ofShared();
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
            Peers.missing("bpf(2) answers errno " + answer.errno() + " here");
        }
        return kernel;
    }

    /** Offers a blob to {@code BPF_BTF_LOAD}; a descriptor that it returns is closed. */
    public Answer loadBtf(byte[] blob) {
        Answer answer = loadBtfKeeping(blob);
        if (answer.result >= 0) {
            close(answer.result);
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
        Descriptor.adopt(fd).close();
    }

    /** Offers a program to {@code BPF_PROG_LOAD}; the caller closes a descriptor that it returns. */
    Answer loadProgram(ProgramLoad program, int btfFd) {
        return loadProgram(program, btfFd, program.functionInfo(), new int[0]);
    }

    /** The same with function and line information of the caller's making. */
    Answer loadProgram(ProgramLoad program, int btfFd, int[] info, int[] lines) {
        byte[] instructions = program.instructions();
        int infoAt = instructions.length;
        MemorySegment.copy(instructions, 0, data, ValueLayout.JAVA_BYTE, 0, instructions.length);
        MemorySegment.copy(info, 0, data, ValueLayout.JAVA_INT, infoAt, info.length);
        int linesAt = infoAt + 4 * info.length;
        MemorySegment.copy(lines, 0, data, ValueLayout.JAVA_INT, linesAt, lines.length);
        int licenseAt = linesAt + 4 * lines.length;
        data.setString(licenseAt, "GPL");
        attributes.fill((byte) 0);
        attributes.set(ValueLayout.JAVA_INT, 0, program.type().id());
        attributes.set(ValueLayout.JAVA_INT, 4, instructions.length / 8);
        attributes.set(ValueLayout.JAVA_LONG, 8, data.address());
        attributes.set(ValueLayout.JAVA_LONG, 16, data.address() + licenseAt);
        attributes.set(ValueLayout.JAVA_INT, 24, VERBOSE);
        attributes.set(ValueLayout.JAVA_INT, 28, LOG_SIZE);
        attributes.set(ValueLayout.JAVA_LONG, 32, log.address());
        attributes.set(ValueLayout.JAVA_INT, 44, program.type() == ProgramType.SYSCALL ? SLEEPABLE : 0);
        attributes.set(ValueLayout.JAVA_INT, 68, program.expectedAttachType());
        attributes.set(ValueLayout.JAVA_INT, 72, btfFd);
        attributes.set(ValueLayout.JAVA_INT, 76, 8);
        attributes.set(ValueLayout.JAVA_LONG, 80, data.address() + infoAt);
        attributes.set(ValueLayout.JAVA_INT, 88, info.length / 2);
        attributes.set(ValueLayout.JAVA_INT, 92, 16);
        attributes.set(ValueLayout.JAVA_LONG, 96, data.address() + linesAt);
        attributes.set(ValueLayout.JAVA_INT, 104, lines.length / 4);
        attributes.set(ValueLayout.JAVA_INT, 108, program.attachBtfId());
        attributes.set(ValueLayout.JAVA_INT, 112, program.attachProgram());
        log.set(ValueLayout.JAVA_BYTE, 0, (byte) 0);
        int result = BpfSyscall.call(PROG_LOAD, attributes);
        return new Answer(result, log.getString(0, StandardCharsets.ISO_8859_1));
    }

    @Override
    public void close() {
        arena.close();
    }
}
