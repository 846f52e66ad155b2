package io.vhost.bpf.jit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.bpf.flow.AccessRegions;
import io.vhost.bpf.helper.HelperSet;
import io.vhost.bpf.insn.Code;
import io.vhost.bpf.insn.Insn;
import io.vhost.bpf.insn.ProgramException;
import io.vhost.bpf.map.MapException;
import io.vhost.bpf.map.MapFactory;
import io.vhost.bpf.map.MapSpec;
import io.vhost.bpf.map.MapType;
import io.vhost.bpf.map.SlotTable;
import io.vhost.bpf.mem.Address;
import io.vhost.bpf.run.Abort;
import io.vhost.bpf.run.ContextLayout;
import io.vhost.bpf.run.Cpu;
import io.vhost.bpf.run.Executable;
import io.vhost.bpf.run.Image;
import io.vhost.bpf.run.Program;
import io.vhost.bpf.vm.Interpreter;
import java.lang.classfile.ClassFile;
import java.lang.classfile.MethodModel;
import java.lang.classfile.attribute.CodeAttribute;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/**
 * Programs that are too large for one method are cut into parts that HotSpot compiles, and do what they do
 * interpreted. For longer: {@code -Dlarge=1000}, the seed with {@code -Dlarge.seed}.
 */
class LargeProgramsTest {
    private static final int PROGRAMS = Integer.getInteger("large", 12);
    private static final long SEED = Long.getLong("large.seed", 1);
    private static final int BUDGET = 2_000;
    private static final int TAIL_CALL = 12;
    private static final long EXIT = Insn.of(Insn.EXIT_INSN, 0, 0, 0, 0);
    // Four bytes of bytecode.
    private static final long MOVE = Insn.of(0xbf, 2, 3, 0, 0);

    private final Cpu cpu = new Cpu(0);
    private final MemorySegment room = Arena.ofAuto().allocate(LongProgram.SIZE, 8);
    private final EnumMap<Abort, Integer> ends = new EnumMap<>(Abort.class);

    private static Image image(long... insns) throws ProgramException {
        return image(Code.of("long", insns));
    }

    private static Image image(Code code) throws ProgramException {
        return new Image(code, ContextLayout.XDP, List.of(), ignored -> null);
    }

    private static long[] moves(int count) {
        long[] insns = new long[count];
        Arrays.fill(insns, MOVE);
        insns[count - 1] = EXIT;
        return insns;
    }

    /** Bytes of bytecode of the methods that functions become. */
    private static Map<String, Integer> sizes(Image image, boolean grouped) throws TooLargeException {
        Map<String, Integer> sizes = new TreeMap<>();
        byte[] bytes = Compiler.bytes(image, AccessRegions.of(image), !grouped, grouped, new ClassData());
        for (MethodModel method : ClassFile.of().parse(bytes).methods()) {
            int length = ((CodeAttribute) method.code().orElseThrow()).codeLength();
            assertTrue(length <= Compiler.MAX_METHOD, () -> method.methodName() + ": " + length);
            if (method.methodName().stringValue().startsWith("f")) {
                sizes.put(method.methodName().stringValue(), length);
            }
        }
        return sizes;
    }

    @Test
    void whatFitsIntoOneMethodIsOneMethod() throws ProgramException, TooLargeException {
        assertEquals(1, sizes(image(moves(1_500)), false).size());
        assertTrue(sizes(image(moves(1_501)), false).size() > 2, "more is not even tried in one");
        // Each of these divisions becomes nine bytes.
        for (int count = 400; count < 1_500; count += 100) {
            long[] insns = moves(count);
            Arrays.fill(insns, 0, count - 1, Insn.of(0x3f, 2, 3, 0, 0));
            Map<String, Integer> sizes = sizes(image(insns), false);
            int whole = sizes.get("f0");
            assertTrue(sizes.size() == 1 ? whole <= Compiler.MAX_METHOD
                    : count * 9 + 45 > Compiler.MAX_METHOD, count + ": " + sizes);
        }
    }

    @Test
    void programsAreCompiledUpToSoManyInstructions() throws ProgramException, TooLargeException {
        int most = Compiler.MAX_INSTRUCTIONS;
        assertTrue(sizes(image(moves(most)), true).size() > 8);
        TooLargeException refused = assertThrows(TooLargeException.class,
                () -> sizes(image(moves(most + 1)), true));
        assertTrue(refused.getMessage().startsWith("program long has 16385 instructions, at most 16384"),
                refused.getMessage());
    }

    @Test
    void largeProgramsDoWhatTheyDoInterpreted() throws ProgramException, TooLargeException {
        SplittableRandom random = new SplittableRandom(SEED);
        LongProgram programs = new LongProgram(random);
        cpu.budget(BUDGET);
        cpu.memory().context(Arena.ofAuto().allocate(ContextLayout.XDP.size(), 8));
        for (int i = 0; i < PROGRAMS; i++) {
            boolean two = random.nextBoolean();
            Code code = programs.next(random.nextInt(700, 6_000), two ? random.nextInt(100, 3_000) : 0);
            Image image = image(code);
            AccessRegions regions = AccessRegions.of(image);
            for (boolean grouped : new boolean[] {false, true}) {
                Map<String, Integer> sizes = sizes(image, grouped);
                assertTrue(sizes.size() > 2 || code.length() < 1_500, sizes::toString);
            }
            byte[] packet = new byte[LongProgram.SIZE];
            random.nextBytes(packet);
            String interpreted = run(image, new Interpreter(image, regions), packet);
            String what = "program " + i + " of seed " + SEED;
            assertEquals(interpreted, run(image, Compiler.compile(image, regions, true), packet), what);
            assertEquals(interpreted, run(image, Compiler.compile(image, regions, true, true), packet),
                    what);
        }
        assertTrue(ends.getOrDefault(Abort.NONE, 0) > PROGRAMS / 2, ends::toString);
    }

    /** In the last part: another program's answer is the function's, and without one it goes on. */
    @Test
    void aPartMayEndInATailCall() throws ProgramException, TooLargeException, MapException {
        SlotTable next = (SlotTable) new MapFactory(1, 1 << 20)
                .create(new MapSpec("next", MapType.PROG_ARRAY.id(), 4, 4, 1, 0));
        long[] insns = moves(2_000);
        int at = insns.length - 6;
        insns[at++] = Insn.of(Insn.LDDW, 2, Insn.LDDW_MAP, 0, 0);
        insns[at++] = 0;
        insns[at++] = Insn.of(0xb7, 3, 0, 0, 0);
        insns[at++] = Insn.of(Insn.CALL_INSN, 0, 0, 0, TAIL_CALL);
        insns[at] = Insn.of(0xb7, 0, 0, 0, 9);
        Image image = new Image(Code.of("long", insns), ContextLayout.XDP, List.of(next),
                HelperSet.xdp()::helper);
        Program program = new Program(image, Compiler.compile(image, AccessRegions.of(image), false));
        assertEquals(9, program.run(cpu, 0, 0));
        Image other = image(Insn.of(0xb7, 0, 0, 0, 7), EXIT);
        next.set(0, new Program(other, new Interpreter(other, AccessRegions.of(other))));
        assertEquals(7, program.run(cpu, 0, 0));
        assertEquals(Abort.NONE, cpu.abort());
    }

    private String run(Image image, Executable executable, byte[] packet) {
        MemorySegment.copy(packet, 0, room, ValueLayout.JAVA_BYTE, 0, packet.length);
        cpu.memory().stack().fill((byte) 0);
        cpu.packet().set(room, 0, packet.length, ContextLayout.XDP);
        long result = new Program(image, executable).run(cpu, Address.CONTEXT, 0);
        ends.merge(cpu.abort(), 1, Integer::sum);
        return result + " " + cpu.abort() + " " + Arrays.toString(room.toArray(ValueLayout.JAVA_BYTE)) + " "
                + Arrays.toString(cpu.memory().stack().toArray(ValueLayout.JAVA_BYTE));
    }

    @Test
    void partsAreCutWhereNoLoopIs() throws ProgramException {
        long[] insns = moves(300);
        insns[90] = Insn.of(0x55, 2, 0, -40, 0);     // a loop from 51 to 90
        insns[180] = Insn.of(0x15, 2, 0, 100, 0);    // over all that follows, up to 281
        Parts parts = new Parts(Code.of("p", insns), 0, 80);
        for (int part = 0; part < parts.count(); part++) {
            assertTrue(parts.end(part) - parts.start(part) <= 80);
            assertEquals(parts.start(part), parts.entries(part).getFirst());
        }
        assertTrue(parts.start(1) > 40 && parts.start(1) <= 51, "the first is cut at " + parts.start(1));
        int last = parts.count() - 1;
        assertTrue(parts.entries(last).contains(281), () -> parts.entries(last).toString());
        assertEquals(last << Parts.entryBits() | parts.entries(last).indexOf(281), parts.number(281));
    }

    @Test
    void wideInstructionsStayWhole() throws ProgramException {
        for (int max = 2; max < 12; max++) {
            long[] insns = new long[41];
            for (int at = 0; at < 40; at += 2) {
                insns[at] = Insn.of(Insn.LDDW, 2, 0, 0, at);
            }
            insns[40] = EXIT;
            Parts parts = new Parts(Code.of("p", insns), 0, max);
            for (int part = 0; part < parts.count(); part++) {
                assertEquals(0, parts.start(part) % 2);
            }
        }
    }
}
