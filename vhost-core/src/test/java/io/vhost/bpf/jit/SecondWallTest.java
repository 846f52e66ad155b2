package io.vhost.bpf.jit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.Rounds;
import io.vhost.bpf.flow.AccessRegions;
import io.vhost.bpf.helper.HelperSet;
import io.vhost.bpf.insn.Code;
import io.vhost.bpf.insn.Insn;
import io.vhost.bpf.insn.ProgramException;
import io.vhost.bpf.map.BpfTable;
import io.vhost.bpf.map.MapException;
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
import java.util.EnumMap;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * Programs without a verifier: whatever they do, they end, touch nothing but their own regions, throw nothing
 * at the application, and do the same interpreted and compiled. For longer: {@code -Dwild=10000000}, the seed
 * with {@code -Dwild.seed}.
 */
class SecondWallTest {
    private static final int PROGRAMS = Rounds.of("wild", 3_000);
    private static final long SEED = Long.getLong("wild.seed", 1);
    private static final int GUARD = 64;
    private static final int ROOM = 128;
    // All but clocks, random numbers, the log and tail calls; nor bpf_loop and locks, which take long.
    private static final int[] HELPERS = {1, 2, 3, 8, 9, 10, 11, 23, 25, 26, 28, 44, 51, 54, 65, 87, 88, 89,
        130, 131, 132, 133, 134, 188, 189, 190, 195};
    private static final List<MapSpec> KINDS = List.of(new MapSpec("hash", 1, 4, 8, 4, 0),
            new MapSpec("lru", 9, 8, 8, 4, 0), new MapSpec("percpu", 6, 4, 16, 2, 0),
            new MapSpec("trie", 11, 8, 8, 4, 1), new MapSpec("queue", 22, 0, 8, 2, 0),
            new MapSpec("ring", 27, 0, 0, 4096, 0), new MapSpec("ports", 14, 4, 4, 4, 0),
            new MapSpec("events", 4, 4, 4, 2, 0), new MapSpec("programs", 3, 4, 4, 2, 0),
            new MapSpec("arrays", 12, 4, 4, 2, 0), new MapSpec("hashes", 13, 4, 4, 2, 0));
    private static final byte CANARY = 0x5A;
    private static final byte FILL = 0x11;

    private final MemorySegment around = Arena.ofAuto().allocate(2 * GUARD + ROOM, 8);
    private final MemorySegment context = Arena.ofAuto().allocate(ContextLayout.XDP.size() + 2L * GUARD, 8);
    private final EnumMap<Abort, Integer> ends = new EnumMap<>(Abort.class);

    private static List<BpfTable> maps() throws MapException {
        MapFactory factory = new MapFactory(1, 1 << 20);
        return List.of(factory.create(new MapSpec("small", 2, 4, 8, 4, 0)),
                factory.create(new MapSpec("fixed", 2, 4, 64, 1, MapSpec.RDONLY_PROG)));
    }

    /** What a run left behind. */
    private String run(Image image, Executable executable, List<BpfTable> maps) {
        around.fill(CANARY);
        context.fill(CANARY);
        MemorySegment room = around.asSlice(GUARD, ROOM);
        room.fill(FILL);
        maps.forEach(map -> map.values().fill(FILL));
        Cpu cpu = new Cpu(0);
        cpu.budget(200);
        cpu.memory().context(context.asSlice(GUARD, ContextLayout.XDP.size()));
        cpu.memory().context().fill((byte) 0);
        cpu.packet().set(room, 32, 96, ContextLayout.XDP);
        long r0 = new Program(image, executable).run(cpu, Address.CONTEXT, 0);
        ends.merge(cpu.abort(), 1, Integer::sum);
        if (cpu.abort() == Abort.HELPER_FAILED) {
            throw cpu.cause();
        }
        for (MemorySegment guarded : List.of(around, context)) {
            for (int i = 0; i < GUARD; i++) {
                assertEquals(CANARY, guarded.get(ValueLayout.JAVA_BYTE, i));
                assertEquals(CANARY, guarded.get(ValueLayout.JAVA_BYTE, guarded.byteSize() - 1 - i));
            }
        }
        assertTrue(maps.get(1).values().mismatch(filled(maps.get(1))) < 0, "a read-only map was written");
        return Long.toHexString(r0) + " " + cpu.abort() + " " + hex(room) + " " + hex(cpu.memory().context())
                + " " + hex(maps.get(0).values()) + " " + hex(cpu.memory().stack());
    }

    private static MemorySegment filled(BpfTable map) {
        return Arena.ofAuto().allocate(map.values().byteSize(), 8).fill(FILL);
    }

    private static String hex(MemorySegment segment) {
        return HexFormat.of().formatHex(segment.toArray(ValueLayout.JAVA_BYTE));
    }

    /**
     * Helpers that answer the same each time are given anything at all, with maps of all kinds: they answer
     * an error or end the program, and no other exception comes out of them.
     */
    @Test
    void helpersAreGivenAnythingAtAll() throws ProgramException, MapException, TooLargeException {
        HelperSet helpers = HelperSet.xdp().with(HelperSet.classifier().prototype(9),
                HelperSet.classifier().prototype(10), HelperSet.classifier().prototype(11),
                HelperSet.classifier().prototype(26));
        WildProgram programs = new WildProgram(new SplittableRandom(SEED), KINDS.size() + 2, HELPERS);
        for (int i = 0; i < PROGRAMS; i++) {
            Code code = programs.next();
            int number = i;
            List<BpfTable> interpreted = withAllKinds();
            List<BpfTable> compiled = withAllKinds();
            assertEquals(runWithHelpers(code, helpers, interpreted, false),
                    runWithHelpers(code, helpers, compiled, true),
                    () -> "program " + number + " of seed " + SEED);
        }
        assertTrue(ends.getOrDefault(Abort.HELPER_ARGUMENT, 0) > PROGRAMS / 100, ends::toString);
        assertTrue(ends.getOrDefault(Abort.NONE, 0) > PROGRAMS / 100, ends::toString);
    }

    private String runWithHelpers(Code code, HelperSet helpers, List<BpfTable> maps, boolean compile)
            throws ProgramException, TooLargeException {
        Image image = new Image(code, ContextLayout.XDP, maps, helpers::helper);
        AccessRegions regions = AccessRegions.of(image);
        return run(image, compile ? Compiler.compile(image, regions, true)
                : new Interpreter(image, regions), maps);
    }

    /**
     * Accesses that are checked together stay inside as well, and where none is outside they do what they do
     * when they are checked one by one.
     */
    @Test
    void accessesThatAreCheckedTogetherStayInside()
            throws ProgramException, MapException, TooLargeException {
        WildProgram programs = new WildProgram(new SplittableRandom(SEED), 2);
        List<BpfTable> maps = maps();
        int ended = 0;
        for (int i = 0; i < PROGRAMS; i++) {
            Code code = programs.next();
            Image image = new Image(code, ContextLayout.XDP, maps, ignored -> null);
            AccessRegions regions = AccessRegions.of(image);
            String interpreted = run(image, new Interpreter(image, regions), maps);
            String together = run(image, Compiler.compile(image, regions, true, true), maps);
            int number = i;
            if (interpreted.contains(" " + Abort.NONE + " ")) {
                assertEquals(interpreted, together, () -> "program " + number + " of seed " + SEED);
                ended++;
            }
        }
        assertTrue(ended > PROGRAMS / 20, "too few end: " + ended);
    }

    /** What is a map on one way is NULL, or what stands for another map, on the way that is gone. */
    @Test
    void aMapThatIsNoneOnTheWayThatIsGoneIsNotTakenForOne()
            throws ProgramException, MapException, TooLargeException {
        for (long number : new long[] {0, Address.ofMap(1), Address.ofMap(0), Address.ofMap(99)}) {
            Code code = Code.of("p", Insn.of(Insn.LDDW, 1, 0, 0, (int) number),
                    Insn.of(0, 0, 0, 0, (int) (number >>> 32)), Insn.of(0x15, 3, 0, 2, 0),
                    Insn.of(Insn.LDDW, 1, Insn.LDDW_MAP, 0, 0), 0, Insn.of(0x62, 10, 0, -4, 0),
                    Insn.of(0xbf, 2, 10, 0, 0), Insn.of(0x07, 2, 0, 0, -4),
                    Insn.of(Insn.CALL_INSN, 0, 0, 0, 1), Insn.of(Insn.EXIT_INSN, 0, 0, 0, 0));
            String interpreted = runWithHelpers(code, HelperSet.xdp(), withAllKinds(), false);
            assertEquals(interpreted, runWithHelpers(code, HelperSet.xdp(), withAllKinds(), true));
            boolean map = number == Address.ofMap(0) || number == Address.ofMap(1);
            String expected = map ? Long.toHexString(Address.ofValues(Address.map(number))) + " " + Abort.NONE
                    : "0 " + Abort.HELPER_ARGUMENT;
            assertTrue(interpreted.startsWith(expected + " "), interpreted);
        }
    }

    private static List<BpfTable> withAllKinds() throws MapException {
        List<BpfTable> all = new ArrayList<>(maps());
        MapFactory factory = new MapFactory(1, 1 << 20);
        for (MapSpec spec : KINDS) {
            all.add(factory.create(spec));
        }
        return all;
    }

    @Test
    void programsEndAndTouchTheirOwnMemoryOnly() throws ProgramException, MapException, TooLargeException {
        WildProgram programs = new WildProgram(new SplittableRandom(SEED), 2);
        List<BpfTable> maps = maps();
        for (int i = 0; i < PROGRAMS; i++) {
            Code code = programs.next();
            Image image = new Image(code, ContextLayout.XDP, maps, ignored -> null);
            AccessRegions regions = AccessRegions.of(image);
            String interpreted = run(image, new Interpreter(image, regions), maps);
            String compiled = run(image, Compiler.compile(image, regions, true), maps);
            int number = i;
            assertEquals(interpreted, compiled, () -> "program " + number + " of seed " + SEED);
        }
        for (Abort end : List.of(Abort.NONE, Abort.OUT_OF_BOUNDS, Abort.BAD_ACCESS, Abort.BUDGET)) {
            assertTrue(ends.getOrDefault(end, 0) > PROGRAMS / 1_000, () -> end + " is too rare: " + ends);
        }
    }
}
