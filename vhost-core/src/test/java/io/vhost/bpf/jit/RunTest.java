package io.vhost.bpf.jit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.bpf.flow.AccessRegions;
import io.vhost.bpf.helper.HelperPrototype;
import io.vhost.bpf.helper.HelperSet;
import io.vhost.bpf.helper.Returns;
import io.vhost.bpf.insn.Code;
import io.vhost.bpf.insn.Insn;
import io.vhost.bpf.insn.ProgramException;
import io.vhost.bpf.map.BpfTable;
import io.vhost.bpf.map.MapException;
import io.vhost.bpf.map.MapFactory;
import io.vhost.bpf.map.MapSpec;
import io.vhost.bpf.map.MapType;
import io.vhost.bpf.map.RingBuffer;
import io.vhost.bpf.map.SlotTable;
import io.vhost.bpf.mem.Address;
import io.vhost.bpf.run.Abort;
import io.vhost.bpf.run.Burst;
import io.vhost.bpf.run.ContextLayout;
import io.vhost.bpf.run.Cpu;
import io.vhost.bpf.run.Executable;
import io.vhost.bpf.run.Image;
import io.vhost.bpf.run.Program;
import io.vhost.bpf.vm.Interpreter;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Runs at their limits, interpreted and compiled. */
class RunTest {
    private static final long EXIT = Insn.of(Insn.EXIT_INSN, 0, 0, 0, 0);
    private static final int TAIL_CALL = 12;
    private static final int LOCK = 93;
    private static final int RESERVE = 131;
    private static final int LOOP = 181;

    private final Cpu cpu = new Cpu(0);

    private static BpfTable map(MapType type, int keySize, int valueSize, int entries) throws MapException {
        return new MapFactory(1, 1 << 20).create(new MapSpec(type.name(), type.id(), keySize, valueSize,
                entries, 0));
    }

    private static Program program(boolean compiled, HelperSet helpers, List<BpfTable> maps, long... insns)
            throws ProgramException {
        Image image = new Image(Code.of("p", insns), ContextLayout.XDP, maps, helpers::helper);
        AccessRegions regions = AccessRegions.of(image);
        try {
            Executable executable = compiled ? Compiler.compile(image, regions, true)
                    : new Interpreter(image, regions);
            return new Program(image, executable);
        } catch (TooLargeException e) {
            throw new AssertionError(e);
        }
    }

    private static Program program(boolean compiled, long... insns) throws ProgramException {
        return program(compiled, HelperSet.xdp(), List.of(), insns);
    }

    private static long mov(int dst, int imm) {
        return Insn.of(0xb7, dst, 0, 0, imm);
    }

    private static long call(int helper) {
        return Insn.of(Insn.CALL_INSN, 0, 0, 0, helper);
    }

    private long run(Program program) {
        return program.run(cpu, Address.CONTEXT, 0);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void theBudgetIsUsedUpByJumpsBackAndCalls(boolean compiled) throws ProgramException {
        Program program = program(compiled, mov(0, 0), Insn.of(0x07, 0, 0, 0, 1),
                Insn.of(0xa5, 0, 0, -2, 10), EXIT);
        cpu.budget(10);   // one for the function, nine for ten rounds
        assertEquals(10, run(program));
        cpu.budget(9);
        assertEquals(0, run(program));
        assertEquals(Abort.BUDGET, cpu.abort());
        assertThrows(IllegalArgumentException.class, () -> cpu.budget(0));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void anEndlessLoopEnds(boolean compiled) throws ProgramException {
        run(program(compiled, Insn.of(0x05, 0, 0, -1, 0), EXIT));
        assertEquals(Abort.BUDGET, cpu.abort());
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void eightFramesNestAndNineDoNot(boolean compiled) throws ProgramException {
        // function 1 calls itself until r1 is 0
        long[] insns = {mov(1, 0), Insn.of(Insn.CALL_INSN, 0, 1, 0, 1), EXIT,
            mov(0, 7), Insn.of(0x15, 1, 0, 2, 0), Insn.of(0x07, 1, 0, 0, -1),
            Insn.of(Insn.CALL_INSN, 0, 1, 0, -4), EXIT};
        insns[0] = mov(1, Address.FRAMES - 2);
        assertEquals(7, run(program(compiled, insns)));
        insns[0] = mov(1, Address.FRAMES - 1);
        assertEquals(0, run(program(compiled, insns)));
        assertEquals(Abort.CALL_DEPTH, cpu.abort());
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void thirtyThreeTailCallsFollowAndNoMore(boolean compiled) throws ProgramException, MapException {
        SlotTable next = (SlotTable) map(MapType.PROG_ARRAY, 4, 4, 1);
        BpfTable count = map(MapType.ARRAY, 4, 8, 1);
        Program program = program(compiled, HelperSet.xdp(), List.of(next, count),
                Insn.of(Insn.LDDW, 6, Insn.LDDW_MAP_VALUE, 0, 1), 0, Insn.of(0x79, 0, 6, 0, 0),
                Insn.of(0x07, 0, 0, 0, 1), Insn.of(0x7b, 6, 0, 0, 0),
                Insn.of(Insn.LDDW, 2, Insn.LDDW_MAP, 0, 0), 0, mov(3, 0), call(TAIL_CALL), mov(0, 9), EXIT);
        assertEquals(9, run(program), "an empty slot");
        next.set(0, program);
        assertEquals(9, run(program));
        assertEquals(1 + 1 + Cpu.MAX_TAIL_CALLS, count.values().get(ValueLayout.JAVA_LONG, 0));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aLoopCallsBackWithItsOwnFrame(boolean compiled) throws ProgramException {
        // sum of 0..9, kept on the caller's stack
        long[] insns = {Insn.of(0x7a, 10, 0, -8, 0), mov(1, 10),
            Insn.of(Insn.LDDW, 2, Insn.LDDW_FUNCTION, 0, 7), 0, Insn.of(0xbf, 3, 10, 0, 0),
            Insn.of(0x07, 3, 0, 0, -8), mov(4, 0), call(LOOP), Insn.of(0x79, 0, 10, -8, 0), EXIT,
            Insn.of(0x7a, 10, 0, -8, -1), Insn.of(0x79, 0, 2, 0, 0), Insn.of(0x0f, 0, 1, 0, 0),
            Insn.of(0x7b, 2, 0, 0, 0), mov(0, 0), EXIT};
        assertEquals(45, run(program(compiled, insns)));
        insns[2] = Insn.of(Insn.LDDW, 2, 0, 0, 5);
        assertEquals(0, run(program(compiled, Arrays.copyOf(insns, 10))));
        assertEquals(Abort.HELPER_ARGUMENT, cpu.abort());
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aRecordThatAnAbortedProgramHasReservedDoesNotBlockTheRing(boolean compiled)
            throws ProgramException, MapException {
        RingBuffer ring = (RingBuffer) map(MapType.RINGBUF, 0, 0, 4096);
        Program program = program(compiled, HelperSet.xdp(), List.of(ring),
                Insn.of(Insn.LDDW, 1, Insn.LDDW_MAP, 0, 0), 0, mov(2, 16), mov(3, 0), call(RESERVE),
                Insn.of(0x7a, 0, 0, 8, 5), Insn.of(0x79, 0, 10, 4096, 0), EXIT);
        run(program);
        assertEquals(Abort.OUT_OF_BOUNDS, cpu.abort());
        ring.submit(ring.reserve(8), false);
        List<Integer> lengths = new ArrayList<>();
        assertEquals(1, ring.consume((_, _, length) -> lengths.add(length)));
        assertEquals(List.of(8), lengths);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aLockThatAnAbortedProgramHasIsGivenBack(boolean compiled) throws ProgramException, MapException {
        BpfTable map = map(MapType.ARRAY, 4, 8, 1);
        long value = Insn.of(Insn.LDDW, 1, Insn.LDDW_MAP_VALUE, 0, 0);
        Program program = program(compiled, HelperSet.xdp(), List.of(map), value, 0, call(LOCK),
                Insn.of(0x79, 0, 10, 4096, 0), EXIT);
        for (int i = 0; i < 2; i++) {
            run(program);
            assertEquals(Abort.OUT_OF_BOUNDS, cpu.abort());
            assertEquals(0, map.values().get(ValueLayout.JAVA_INT, 0));
        }
        run(program(compiled, HelperSet.xdp(), List.of(map), value, 0, call(LOCK), value, 0, call(LOCK),
                EXIT));
        assertEquals(Abort.HELPER_ARGUMENT, cpu.abort());
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aMapOfAMapIsReachableUntilTheRunEnds(boolean compiled) throws ProgramException, MapException {
        SlotTable outer = (SlotTable) map(MapType.ARRAY_OF_MAPS, 4, 4, 2);
        BpfTable inner = map(MapType.ARRAY, 4, 8, 1);
        inner.values().set(ValueLayout.JAVA_LONG, 0, 77);
        outer.set(1, inner);
        long[] insns = {Insn.of(0x62, 10, 0, -4, 1), Insn.of(0xbf, 2, 10, 0, 0), Insn.of(0x07, 2, 0, 0, -4),
            Insn.of(Insn.LDDW, 1, Insn.LDDW_MAP, 0, 0), 0, call(1), Insn.of(0x15, 0, 0, 7, 0),
            Insn.of(0xbf, 1, 0, 0, 0), Insn.of(0x62, 10, 0, -4, 0), Insn.of(0xbf, 2, 10, 0, 0),
            Insn.of(0x07, 2, 0, 0, -4), call(1), Insn.of(0x15, 0, 0, 1, 0), Insn.of(0x79, 0, 0, 0, 0), EXIT};
        Program program = program(compiled, HelperSet.xdp(), List.of(outer), insns);
        assertEquals(77, run(program));
        outer.set(1, null);
        assertEquals(0, run(program));
        assertEquals(Abort.NONE, cpu.abort());
        long stale = Address.ofValues(Address.handedOut(0));
        run(program(compiled, Insn.of(Insn.LDDW, 1, 0, 0, (int) stale),
                Insn.of(0, 0, 0, 0, (int) (stale >>> 32)), Insn.of(0x79, 0, 1, 0, 0), EXIT));
        assertEquals(Abort.OUT_OF_BOUNDS, cpu.abort());
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void anAbortedElementDoesNotEndItsBurst(boolean compiled) throws ProgramException {
        Program program = program(compiled, Insn.of(0x61, 2, 1, 12, 0), Insn.of(0xbf, 0, 2, 0, 0),
                Insn.of(0x55, 2, 0, 1, 2), Insn.of(0x79, 0, 10, 8192, 0), EXIT);
        cpu.memory().context(Arena.ofAuto().allocate(ContextLayout.XDP.size(), 8));
        List<String> results = new ArrayList<>();
        Burst burst = new Burst() {
            @Override
            public void load(Cpu runner, int element) {
                runner.memory().context().set(ValueLayout.JAVA_INT, 12, element);
            }

            @Override
            public void done(Cpu runner, int element, long result) {
                results.add(element + ":" + result + ":" + runner.abort());
            }
        };
        program.runBurst(cpu, burst, 1, 5);
        assertEquals(List.of("1:1:NONE", "2:0:OUT_OF_BOUNDS", "3:3:NONE", "4:4:NONE"), results);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void theApplicationsExceptionInABurstReachesTheApplication(boolean compiled) throws ProgramException {
        Program program = program(compiled, mov(0, 1), EXIT);
        Burst burst = new Burst() {
            @Override
            public void load(Cpu runner, int element) {
                throw new IllegalArgumentException("mine");
            }

            @Override
            public void done(Cpu runner, int element, long result) {
            }
        };
        assertEquals("mine", assertThrows(IllegalArgumentException.class,
                () -> program.runBurst(cpu, burst, 0, 1)).getMessage());
        assertEquals(1, run(program), "the Cpu is free again");
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aHelperOfTheApplicationIsCalledAndItsExceptionEndsTheProgram(boolean compiled)
            throws ProgramException {
        RuntimeException failure = new NullPointerException("mine");
        Program[] nested = new Program[1];
        HelperSet helpers = HelperSet.xdp().with(
                new HelperPrototype(1000, "app_sum", false, Returns.NUMBER, List.of(),
                        (_, a, b, c, d, e) -> a + b + c + d + e),
                new HelperPrototype(1001, "app_fail", false, Returns.NUMBER, List.of(),
                        (_, _, _, _, _, _) -> {
                            throw failure;
                        }),
                new HelperPrototype(1002, "app_nest", false, Returns.NUMBER, List.of(),
                        (runner, _, _, _, _, _) -> nested[0].run(runner, 0, 0)));
        assertEquals(31, run(program(compiled, helpers, List.of(), mov(1, 1), mov(2, 2), mov(3, 4),
                mov(4, 8), mov(5, 16), call(1000), EXIT)));
        run(program(compiled, helpers, List.of(), call(1001), EXIT));
        assertEquals(Abort.HELPER_FAILED, cpu.abort());
        assertSame(failure, cpu.cause());
        nested[0] = program(compiled, helpers, List.of(), call(1002), EXIT);
        run(nested[0]);
        assertInstanceOf(IllegalStateException.class, cpu.cause());
    }

    @Test
    void anUnknownHelperIsRefusedWithItsInstruction() {
        ProgramException refused = assertThrows(ProgramException.class,
                () -> program(false, mov(0, 0), call(9999), EXIT));
        assertEquals(1, refused.instruction());
        assertTrue(refused.text().startsWith("invalid func unknown#9999"), refused.text());
    }
}
