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
import io.vhost.bpf.run.Executable;
import io.vhost.bpf.run.Image;
import io.vhost.bpf.vm.Interpreter;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * Programs without a verifier: whatever they do, they end, touch nothing but their own regions, throw nothing
 * at the application, and do the same interpreted and compiled. All are interpreted; one of
 * {@code -Dwild.compiled} (1) is compiled as well, in both ways. For longer:
 * {@code -Dwild=10000000 -Dwild.compiled=100}, the seed with {@code -Dwild.seed}.
 */
class SecondWallTest {
    private static final int PROGRAMS = Rounds.of("wild", 3_000);
    private static final int COMPILED = Integer.getInteger("wild.compiled", 1);
    private static final long SEED = Long.getLong("wild.seed", 1);
    // All but clocks, random numbers, the log and tail calls; nor bpf_loop and locks, which take long.
    private static final int[] HELPERS = {1, 2, 3, 8, 9, 10, 11, 23, 25, 26, 28, 44, 51, 54, 65, 87, 88, 89,
        130, 131, 132, 133, 134, 188, 189, 190, 195};
    private static final List<MapSpec> KINDS = List.of(new MapSpec("hash", 1, 4, 8, 4, 0),
            new MapSpec("lru", 9, 8, 8, 4, 0), new MapSpec("percpu", 6, 4, 16, 2, 0),
            new MapSpec("trie", 11, 8, 8, 4, 1), new MapSpec("queue", 22, 0, 8, 2, 0),
            new MapSpec("ring", 27, 0, 0, 4096, 0), new MapSpec("ports", 14, 4, 4, 4, 0),
            new MapSpec("events", 4, 4, 4, 2, 0), new MapSpec("programs", 3, 4, 4, 2, 0),
            new MapSpec("arrays", 12, 4, 4, 2, 0), new MapSpec("hashes", 13, 4, 4, 2, 0));

    private final WallRoom room = new WallRoom();

    private static List<BpfTable> maps() throws MapException {
        MapFactory factory = new MapFactory(1, 1 << 20);
        return List.of(factory.create(new MapSpec("small", 2, 4, 8, 4, 0)),
                factory.create(new MapSpec("fixed", 2, 4, 64, 1, MapSpec.RDONLY_PROG)));
    }

    private static HelperSet helpers() {
        return HelperSet.xdp().with(HelperSet.classifier().prototype(9),
                HelperSet.classifier().prototype(10), HelperSet.classifier().prototype(11),
                HelperSet.classifier().prototype(26));
    }

    private static String what(int program) {
        return "program " + program + " of seed " + SEED;
    }

    /** Fails with the program's number where a run throws. */
    private boolean run(Image image, Executable executable, int program) {
        try {
            return room.run(image, executable);
        } catch (RuntimeException e) {
            throw new AssertionError(what(program), e);
        }
    }

    /**
     * Compiled, programs do the same; where accesses are checked together, they do so unless one of them is
     * outside, and stay inside in any case.
     */
    @Test
    void programsEndAndTouchTheirOwnMemoryOnly() throws ProgramException, MapException, TooLargeException {
        WildProgram programs = new WildProgram(new SplittableRandom(SEED), 2);
        List<BpfTable> maps = maps();
        int together = 0;
        int compiled = 0;
        int ended = 0;
        for (int i = 0; i < PROGRAMS; i++) {
            Code code = programs.next();
            Image image = new Image(code, ContextLayout.XDP, maps, ignored -> null);
            AccessRegions regions = AccessRegions.of(image);
            boolean end = run(image, new Interpreter(image, regions), i);
            if (i % COMPILED == 0) {
                int number = i;
                String interpreted = room.left(maps);
                run(image, Compiler.compile(image, regions, true), i);
                assertEquals(interpreted, room.left(maps), () -> what(number));
                run(image, Compiler.compile(image, regions, true, true), i);
                if (end) {
                    assertEquals(interpreted, room.left(maps), () -> what(number));
                }
                compiled++;
                ended += end ? 1 : 0;
                together += hasGroup(code, regions) ? 1 : 0;
            }
        }
        for (Abort how : List.of(Abort.NONE, Abort.OUT_OF_BOUNDS, Abort.BAD_ACCESS, Abort.BUDGET)) {
            assertTrue(room.ends(how) > PROGRAMS / 1_000, () -> how + " is too rare: " + room.ends(how));
        }
        assertTrue(ended > compiled / 20, "too few end: " + ended);
        assertTrue(together > compiled / 20, "too few have accesses that are checked together: " + together);
        System.out.println(PROGRAMS + " programs, " + compiled + " of them compiled, " + together
                + " of these with accesses that are checked together: " + room);
    }

    private static boolean hasGroup(Code code, AccessRegions regions) {
        for (int function = 0; function < code.functions(); function++) {
            Groups groups = new Groups(code, regions, code.start(function), code.end(function));
            for (int at = code.start(function); at < code.end(function); at++) {
                if (groups.of(at) != null) {
                    return true;
                }
            }
        }
        return false;
    }

    /**
     * Helpers that answer the same each time are given anything at all, with maps of all kinds: they answer
     * an error or end the program, and no other exception comes out of them.
     */
    @Test
    void helpersAreGivenAnythingAtAll() throws ProgramException, MapException, TooLargeException {
        HelperSet helpers = helpers();
        WildProgram programs = new WildProgram(new SplittableRandom(SEED), KINDS.size() + 2, HELPERS);
        List<BpfTable> used = withAllKinds();
        for (int i = 0; i < PROGRAMS; i++) {
            Code code = programs.next();
            if (i % COMPILED == 0) {
                int number = i;
                String interpreted = runWithHelpers(code, helpers, withAllKinds(), false, i);
                assertEquals(interpreted, runWithHelpers(code, helpers, withAllKinds(), true, i),
                        () -> what(number));
            } else {
                Image image = new Image(code, ContextLayout.XDP, used, helpers::helper);
                run(image, new Interpreter(image, AccessRegions.of(image)), i);
            }
        }
        assertTrue(room.ends(Abort.HELPER_ARGUMENT) > PROGRAMS / 100, room::toString);
        assertTrue(room.ends(Abort.NONE) > PROGRAMS / 100, room::toString);
        System.out.println(PROGRAMS + " programs with helpers: " + room);
    }

    private String runWithHelpers(Code code, HelperSet helpers, List<BpfTable> maps, boolean compile,
            int program) throws ProgramException, TooLargeException {
        Image image = new Image(code, ContextLayout.XDP, maps, helpers::helper);
        AccessRegions regions = AccessRegions.of(image);
        run(image, compile ? Compiler.compile(image, regions, true) : new Interpreter(image, regions),
                program);
        return room.left(maps);
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
            String interpreted = runWithHelpers(code, HelperSet.xdp(), withAllKinds(), false, 0);
            assertEquals(interpreted, runWithHelpers(code, HelperSet.xdp(), withAllKinds(), true, 0));
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
}
