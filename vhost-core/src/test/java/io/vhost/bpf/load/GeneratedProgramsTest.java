package io.vhost.bpf.load;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.bpf.flow.AccessRegions;
import io.vhost.bpf.insn.Code;
import io.vhost.bpf.jit.Compiler;
import io.vhost.bpf.map.BpfTable;
import io.vhost.bpf.map.MapFactory;
import io.vhost.bpf.map.MapSpec;
import io.vhost.bpf.mem.Address;
import io.vhost.bpf.run.Abort;
import io.vhost.bpf.run.ContextLayout;
import io.vhost.bpf.run.Cpu;
import io.vhost.bpf.run.Executable;
import io.vhost.bpf.run.Image;
import io.vhost.bpf.run.Program;
import io.vhost.bpf.vm.Interpreter;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Generated programs do in the kernel what they do interpreted and compiled. For longer:
 * {@code -Dgenerated=100000}, the seed with {@code -Dgenerated.seed}.
 */
@Tag("peer")
class GeneratedProgramsTest {
    private static final int PROGRAMS = Integer.getInteger("generated", 500);
    private static final long SEED = Long.getLong("generated.seed", 1);
    private static final int XDP = 6;
    private static final int ARRAY = 2;
    private static final int PACKETS = 3;

    private final MemorySegment room = Arena.ofAuto().allocate(TameProgram.SIZE, 8);
    private final Cpu cpu = new Cpu(0);

    private List<Byte> run(Image image, Executable executable, byte[] packet, int[] action) {
        MemorySegment.copy(packet, 0, room, ValueLayout.JAVA_BYTE, 0, packet.length);
        cpu.packet().set(room, 0, packet.length, ContextLayout.XDP);
        action[0] = (int) new Program(image, executable).run(cpu, Address.CONTEXT, 0);
        assertEquals(Abort.NONE, cpu.abort());
        List<Byte> bytes = new ArrayList<>();
        for (byte b : room.toArray(ValueLayout.JAVA_BYTE)) {
            bytes.add(b);
        }
        return bytes;
    }

    @Test
    void kernelInterpreterAndCompiledCodeAgree() throws Exception {
        SplittableRandom random = new SplittableRandom(SEED);
        BpfTable table = new MapFactory(1, 1 << 16)
                .create(new MapSpec("m", ARRAY, 4, TameProgram.SIZE, 1, 0));
        cpu.memory().context(Arena.ofAuto().allocate(ContextLayout.XDP.size(), 8));
        int refused = 0;
        try (KernelRun kernel = new KernelRun()) {
            int map = kernel.map("m", ARRAY, 4, TameProgram.SIZE, 1, 0);
            TameProgram programs = new TameProgram(random);
            for (int i = 0; i < PROGRAMS; i++) {
                long[] insns = programs.next(map);
                int program = kernel.tryLoad(XDP, insns);
                if (program < 0) {
                    refused++;
                    continue;
                }
                for (int at = 0; at < insns.length; at++) {
                    if (Insns.isValue(insns[at])) {
                        insns[at] = Insns.withMap(insns[at], 0);
                    }
                }
                Image image = new Image(Code.of("tame", insns), ContextLayout.XDP, List.of(table),
                        ignored -> null);
                AccessRegions regions = AccessRegions.of(image);
                List<Executable> executables = List.of(new Interpreter(image, regions),
                        Compiler.compile(image, regions, false));
                compare(kernel, program, image, executables, table, random, "program " + i);
                kernel.unload(program);
            }
        }
        int count = refused;
        assertTrue(refused < PROGRAMS / 10 + 1, () -> "the kernel refused " + count);
    }

    private void compare(KernelRun kernel, int program, Image image, List<Executable> executables,
            BpfTable table, SplittableRandom random, String what) {
        for (int i = 0; i < PACKETS; i++) {
            byte[] packet = new byte[TameProgram.SIZE];
            byte[] value = new byte[TameProgram.SIZE];
            random.nextBytes(packet);
            random.nextBytes(value);
            kernel.update("m", new byte[4], value);
            KernelRun.Result expected = kernel.run(program, packet, 1);
            byte[] after = kernel.lookup("m", new byte[4], TameProgram.SIZE);
            for (Executable executable : executables) {
                MemorySegment.copy(value, 0, table.values(), ValueLayout.JAVA_BYTE, 0, value.length);
                int[] action = new int[1];
                assertEquals(expected.packet(), run(image, executable, packet, action), what);
                assertEquals(expected.action(), action[0], what);
                assertArrayEquals(after, table.values().toArray(ValueLayout.JAVA_BYTE), what);
            }
        }
    }
}
