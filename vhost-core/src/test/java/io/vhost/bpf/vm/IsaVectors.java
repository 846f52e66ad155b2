package io.vhost.bpf.vm;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.vhost.bpf.insn.Code;
import io.vhost.bpf.insn.ProgramException;
import io.vhost.bpf.mem.Address;
import io.vhost.bpf.run.ContextLayout;
import io.vhost.bpf.run.Cpu;
import io.vhost.bpf.run.Executable;
import io.vhost.bpf.run.Image;
import io.vhost.bpf.run.Program;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The vectors of the public conformance suite of BPF, where the machine has them. */
public final class IsaVectors {
    /** How many there are that need only what RFC 9669 has. */
    public static final int COUNT = 312;

    private static final Path FILE = Path.of("..", "..", "shared", "bpf", "isa_vectors.json");
    private static final Pattern VECTOR = Pattern.compile("\\{\"name\":\"([^\"]*)\",\"mem\":\"([^\"]*)\","
            + "\"code\":\"([^\"]*)\",\"r0\":\"0x([^\"]*)\"");

    private IsaVectors() {
    }

    /** One of them: register 1 points to its memory, register 2 is its length. */
    public static final class Vector {
        private final String name;
        private final byte[] memory;
        private final long[] insns;
        private final long result;

        private Vector(String name, byte[] memory, long[] insns, long result) {
            this.name = name;
            this.memory = memory;
            this.insns = insns;
            this.result = result;
        }

        /** Register 0 at the end. */
        public long result() {
            return result;
        }

        @Override
        public String toString() {
            return name;
        }

        /** Runs it. */
        public long run(Function<Image, Executable> executor) throws ProgramException {
            try (Arena arena = Arena.ofConfined()) {
                ContextLayout layout = new ContextLayout(memory.length, -1, -1, -1);
                Image image = new Image(Code.of(name, insns), layout, List.of(),
                        ignored -> (_, _, _, _, _, _) -> 1);
                Cpu cpu = new Cpu(0);
                MemorySegment context = arena.allocate(Math.max(1, memory.length), 8);
                MemorySegment.copy(memory, 0, context, ValueLayout.JAVA_BYTE, 0, memory.length);
                cpu.memory().context(context.asSlice(0, memory.length));
                long r1 = memory.length == 0 ? 0 : Address.CONTEXT;
                long r0 = new Program(image, executor.apply(image)).run(cpu, r1, memory.length);
                if (cpu.cause() != null) {
                    throw cpu.cause();
                }
                return r0;
            }
        }
    }

    /** All; skips the test where there are none. */
    public static Stream<Vector> all() throws IOException {
        assumeTrue(Files.exists(FILE), () -> "no " + FILE);
        return VECTOR.matcher(Files.readString(FILE)).results()
                .filter(vector -> !vector.group(1).equals("callx"))
                .map(vector -> new Vector(vector.group(1), HexFormat.of().parseHex(vector.group(2)),
                        insns(HexFormat.of().parseHex(vector.group(3))),
                        Long.parseUnsignedLong(vector.group(4), 16)));
    }

    private static long[] insns(byte[] code) {
        long[] insns = new long[code.length / 8];
        ByteBuffer.wrap(code).order(ByteOrder.LITTLE_ENDIAN).asLongBuffer().get(insns);
        return insns;
    }
}
