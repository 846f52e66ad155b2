package io.vhost.bpf.jit;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.bpf.map.BpfTable;
import io.vhost.bpf.mem.Address;
import io.vhost.bpf.run.Abort;
import io.vhost.bpf.run.ContextLayout;
import io.vhost.bpf.run.Cpu;
import io.vhost.bpf.run.Executable;
import io.vhost.bpf.run.Image;
import io.vhost.bpf.run.Program;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.EnumMap;
import java.util.HexFormat;
import java.util.List;

/**
 * The memory of a program, the same before each run, with guards around it that are looked at after each.
 * Map 1 of each program is for reading only. One thread.
 */
final class WallRoom {
    private static final int GUARD = 64;
    private static final int ROOM = 128;
    private static final int DATA = 32;
    private static final int END = 96;
    private static final int BUDGET = 200;
    private static final byte CANARY = 0x5A;
    private static final byte FILL = 0x11;

    private final MemorySegment around = Arena.ofAuto().allocate(2 * GUARD + ROOM, 8);
    private final MemorySegment context = Arena.ofAuto().allocate(ContextLayout.XDP.size() + 2L * GUARD, 8);
    private final MemorySegment room = around.asSlice(GUARD, ROOM);
    private final MemorySegment canaries = Arena.ofAuto().allocate(GUARD).fill(CANARY);
    private final MemorySegment filled = Arena.ofAuto().allocate(1 << 12).fill(FILL);
    private final EnumMap<Abort, Integer> ends = new EnumMap<>(Abort.class);
    private final Cpu cpu = new Cpu(0);
    private long r0;

    WallRoom() {
        cpu.budget(BUDGET);
        cpu.memory().context(context.asSlice(GUARD, ContextLayout.XDP.size()));
    }

    /** How often runs ended so. */
    int ends(Abort how) {
        return ends.getOrDefault(how, 0);
    }

    /** Runs a program; whether it came to its own end. */
    boolean run(Image image, Executable executable) {
        fill(around);
        fill(context);
        room.fill(FILL);
        for (int i = 0; i < image.maps(); i++) {
            image.map(i).values().fill(FILL);
        }
        cpu.memory().stack().fill((byte) 0);
        cpu.memory().context().fill((byte) 0);
        cpu.packet().set(room, DATA, END, ContextLayout.XDP);
        r0 = new Program(image, executable).run(cpu, Address.CONTEXT, 0);
        ends.merge(cpu.abort(), 1, Integer::sum);
        if (cpu.abort() == Abort.HELPER_FAILED) {
            throw cpu.cause();
        }
        check(around);
        check(context);
        MemorySegment fixed = image.map(1).values();
        assertTrue(filled.asSlice(0, fixed.byteSize()).mismatch(fixed) < 0, "a read-only map was written");
        return cpu.abort() == Abort.NONE;
    }

    private static void fill(MemorySegment guarded) {
        guarded.asSlice(0, GUARD).fill(CANARY);
        guarded.asSlice(guarded.byteSize() - GUARD).fill(CANARY);
    }

    private void check(MemorySegment guarded) {
        assertTrue(canaries.mismatch(guarded.asSlice(0, GUARD)) < 0, "a store in front of a region");
        assertTrue(canaries.mismatch(guarded.asSlice(guarded.byteSize() - GUARD)) < 0,
                "a store behind a region");
    }

    /** What the last run left behind. */
    String left(List<BpfTable> maps) {
        return Long.toHexString(r0) + " " + cpu.abort() + " " + hex(room) + " " + hex(cpu.memory().context())
                + " " + hex(maps.getFirst().values()) + " " + hex(cpu.memory().stack());
    }

    /** How runs ended. */
    @Override
    public String toString() {
        return ends.toString();
    }

    private static String hex(MemorySegment segment) {
        return HexFormat.of().formatHex(segment.toArray(ValueLayout.JAVA_BYTE));
    }
}
