package io.vhost.bpf.jit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.bpf.flow.AccessRegions;
import io.vhost.bpf.insn.Code;
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
    private static final int PROGRAMS = Integer.getInteger("wild", 3_000);
    private static final long SEED = Long.getLong("wild.seed", 1);
    private static final int GUARD = 64;
    private static final int ROOM = 128;
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
