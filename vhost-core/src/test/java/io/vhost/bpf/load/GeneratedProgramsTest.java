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
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Generated programs do in the kernel what they do interpreted and compiled: what they return, and what they
 * leave in packet, map and context. For longer: {@code -Dgenerated=100000}, the seed with
 * {@code -Dgenerated.seed}.
 */
@Tag("peer")
class GeneratedProgramsTest {
    private static final int PROGRAMS = Integer.getInteger("generated", 500);
    private static final long SEED = Long.getLong("generated.seed", 1);
    private static final int XDP = 6;
    private static final int SCHED_CLS = 3;
    private static final int ARRAY = 2;
    private static final int PACKETS = 3;
    private static final int ADDRESS = 6;
    private static final int TYPE = 12;
    private static final int LOOPBACK = 1;
    // Offsets in struct __sk_buff: what BPF_PROG_TEST_RUN takes, and what it shows afterwards.
    private static final int PROTOCOL = 16;
    private static final int IFINDEX = 40;
    private static final int[] GIVEN = {8, 32, 36, 48, 52, 56, 60, 64, 152, 156, 184, 188};
    private static final int[] GIVEN_SHORT = {164, 176};
    private static final int[] SHOWN = {8, 32, 48, 52, 56, 60, 64, 152, 156};

    private final SplittableRandom random = new SplittableRandom(SEED);
    private final MemorySegment room = Arena.ofAuto().allocate(TameProgram.SIZE, 8);
    private final Cpu cpu = new Cpu(0);

    private List<Byte> run(Image image, Executable executable, byte[] packet, int[] action) {
        MemorySegment.copy(packet, 0, room, ValueLayout.JAVA_BYTE, 0, packet.length);
        cpu.packet().set(room, 0, packet.length, image.context());
        action[0] = (int) new Program(image, executable).run(cpu, Address.CONTEXT, 0);
        assertEquals(Abort.NONE, cpu.abort());
        List<Byte> bytes = new ArrayList<>();
        for (byte b : room.toArray(ValueLayout.JAVA_BYTE)) {
            bytes.add(b);
        }
        return bytes;
    }

    @Test
    void programsOfXdpDoTheSameInTheKernelInterpretedAndCompiled() throws Exception {
        allDoTheSame(XDP, ContextLayout.XDP);
    }

    @Test
    void programsOfTcDoTheSameInTheKernelInterpretedAndCompiled() throws Exception {
        allDoTheSame(SCHED_CLS, ContextLayout.SKB);
    }

    private void allDoTheSame(int type, ContextLayout layout) throws Exception {
        BpfTable table = new MapFactory(1, 1 << 16)
                .create(new MapSpec("m", ARRAY, 4, TameProgram.SIZE, 1, 0));
        cpu.memory().context(Arena.ofAuto().allocate(layout.size(), 8));
        int refused = 0;
        try (KernelRun kernel = new KernelRun()) {
            int map = kernel.map("m", ARRAY, 4, TameProgram.SIZE, 1, 0);
            TameProgram programs = new TameProgram(random, layout);
            for (int i = 0; i < PROGRAMS; i++) {
                long[] insns = programs.next(map);
                int program = kernel.tryLoad(type, insns);
                if (program < 0) {
                    refused++;
                    continue;
                }
                for (int at = 0; at < insns.length; at++) {
                    if (Insns.isValue(insns[at])) {
                        insns[at] = Insns.withMap(insns[at], 0);
                    }
                }
                Image image = new Image(Code.of("tame", insns), layout, List.of(table), ignored -> null);
                AccessRegions regions = AccessRegions.of(image);
                List<Executable> executables = List.of(new Interpreter(image, regions),
                        Compiler.compile(image, regions, false));
                compare(kernel, program, image, executables, table, "program " + i + " of seed " + SEED);
                kernel.unload(program);
            }
        }
        int count = refused;
        assertTrue(refused < PROGRAMS / 10 + 1, () -> "the kernel refused " + count);
    }

    private void compare(KernelRun kernel, int program, Image image, List<Executable> executables,
            BpfTable table, String what) {
        boolean tc = image.context().equals(ContextLayout.SKB);
        for (int i = 0; i < PACKETS; i++) {
            byte[] packet = new byte[TameProgram.SIZE];
            byte[] value = new byte[TameProgram.SIZE];
            random.nextBytes(packet);
            random.nextBytes(value);
            if (tc) {   // for the loopback interface, which has the address 0, with a type and no length
                Arrays.fill(packet, 0, ADDRESS, (byte) 0);
                packet[TYPE] |= 8;
            }
            byte[] given = context(packet);
            byte[] shown = given.clone();
            Arrays.fill(shown, PROTOCOL, PROTOCOL + Short.BYTES, (byte) 0);
            kernel.update("m", new byte[4], value);
            KernelRun.Result expected = tc ? kernel.run(program, packet, shown)
                    : kernel.run(program, packet, 1);
            byte[] after = kernel.lookup("m", new byte[4], TameProgram.SIZE);
            for (Executable executable : executables) {
                MemorySegment.copy(value, 0, table.values(), ValueLayout.JAVA_BYTE, 0, value.length);
                if (tc) {
                    cpu.memory().context().copyFrom(MemorySegment.ofArray(given));
                }
                int[] action = new int[1];
                assertEquals(expected.packet(), run(image, executable, packet, action), what);
                assertEquals(expected.action(), action[0], what);
                assertArrayEquals(after, table.values().toArray(ValueLayout.JAVA_BYTE), what);
                if (tc) {
                    assertArrayEquals(words(shown), words(cpu.memory().context()
                            .toArray(ValueLayout.JAVA_BYTE)), what);
                }
            }
        }
    }

    /** A context for a packet of the loopback interface. */
    private byte[] context(byte[] packet) {
        ByteBuffer context = ByteBuffer.allocate(ContextLayout.SKB.size()).order(ByteOrder.nativeOrder());
        for (int offset : GIVEN) {
            context.putInt(offset, random.nextInt());
        }
        for (int offset : GIVEN_SHORT) {
            context.putInt(offset, random.nextInt(1 << Short.SIZE));
        }
        context.putInt(IFINDEX, LOOPBACK);
        context.put(PROTOCOL, packet[TYPE]).put(PROTOCOL + 1, packet[TYPE + 1]);
        return context.array();
    }

    private static int[] words(byte[] context) {
        ByteBuffer buffer = ByteBuffer.wrap(context).order(ByteOrder.nativeOrder());
        return Arrays.stream(SHOWN).map(buffer::getInt).toArray();
    }
}
