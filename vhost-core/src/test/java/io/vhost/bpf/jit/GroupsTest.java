package io.vhost.bpf.jit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.bpf.flow.AccessRegions;
import io.vhost.bpf.flow.Region;
import io.vhost.bpf.insn.Code;
import io.vhost.bpf.insn.Insn;
import io.vhost.bpf.insn.ProgramException;
import io.vhost.bpf.mem.Address;
import io.vhost.bpf.run.Abort;
import io.vhost.bpf.run.ContextLayout;
import io.vhost.bpf.run.Cpu;
import io.vhost.bpf.run.Image;
import io.vhost.bpf.run.Program;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Which accesses are checked together, and that the check is for all of them. */
class GroupsTest {
    private static final int ROOM = 64;
    private static final int DATA = 16;
    private static final long PACKET = Insn.of(0x61, 2, 1, 0, 0);
    private static final long EXIT = Insn.of(Insn.EXIT_INSN, 0, 0, 0, 0);

    private static long load(int dst, int off) {
        return Insn.of(0x71, dst, 2, off, 0);
    }

    private static long store(int off, int value) {
        return Insn.of(0x72, 2, 0, off, value);
    }

    private static Image image(long... insns) throws ProgramException {
        return new Image(Code.of("p", insns), ContextLayout.XDP, List.of(), ignored -> null);
    }

    private static Groups groups(long... insns) throws ProgramException {
        Image image = image(insns);
        return new Groups(image.code(), AccessRegions.of(image), 0, insns.length);
    }

    @Test
    void accessesThatComeTogetherAreOneGroup() throws ProgramException {
        Groups groups = groups(PACKET, load(0, 5), store(-1, 7), load(3, 9), EXIT);
        Groups.Group group = groups.of(1);
        assertSame(group, groups.of(2));
        assertSame(group, groups.of(3));
        assertTrue(group.beginsAt(1));
        assertEquals(Region.PACKET, group.region());
        assertEquals(-1, group.from());
        assertEquals(11, group.length());
        assertNull(groups.of(0));
    }

    @Test
    void jumpsTargetsAndNewBasesEndGroups() throws ProgramException {
        long jump = Insn.of(0x15, 0, 0, 0, 0);
        assertNull(groups(PACKET, load(0, 5), jump, load(0, 6), EXIT).of(1));
        assertNull(groups(PACKET, load(0, 5), Insn.of(0x07, 2, 0, 0, 1), load(0, 6), EXIT).of(1));
        assertNull(groups(PACKET, load(0, 5), load(2, 6), EXIT, EXIT).of(3));
        assertNotNull(groups(PACKET, load(0, 5), load(2, 6), EXIT).of(1));
        // A jump from behind leads between the two.
        assertNull(groups(PACKET, load(0, 5), load(3, 6), Insn.of(0x15, 3, 0, -2, 9), EXIT).of(1));
    }

    /** All are outside if one is: nothing was stored before the program was ended. */
    @Test
    void theCheckIsForTheFirstAndTheLast() throws ProgramException, TooLargeException {
        for (int last : new int[] {ROOM - DATA - 1, ROOM - DATA}) {
            for (int first : new int[] {-DATA, -DATA - 1}) {
                Image image = image(PACKET, store(0, 7), store(last, 7), store(first, 7), load(0, last),
                        EXIT);
                Cpu cpu = new Cpu(0);
                MemorySegment room = Arena.ofAuto().allocate(ROOM, 8);
                cpu.memory().context(Arena.ofAuto().allocate(ContextLayout.XDP.size(), 8));
                cpu.packet().set(room, DATA, ROOM, ContextLayout.XDP);
                long result = new Program(image, Compiler.compile(image, AccessRegions.of(image), false))
                        .run(cpu, Address.CONTEXT, 0);
                boolean inside = last == ROOM - DATA - 1 && first == -DATA;
                assertEquals(inside ? Abort.NONE : Abort.OUT_OF_BOUNDS, cpu.abort());
                assertEquals(inside ? 7 : 0, result);
                assertEquals(inside ? 7 : 0, room.get(ValueLayout.JAVA_BYTE, DATA));
            }
        }
    }

    /** The own frame begins and ends where it does in the interpreter, in each function. */
    @Test
    void functionsHaveTheirOwnFrames() throws ProgramException, TooLargeException {
        Image image = image(Insn.of(0x72, 10, 0, -512, 3), Insn.of(0x72, 10, 0, -1, 4),
                Insn.of(Insn.CALL_INSN, 0, 1, 0, 5), Insn.of(0x71, 1, 10, -512, 0), Insn.of(0x0f, 0, 1, 0, 0),
                Insn.of(0x71, 1, 10, -1, 0), Insn.of(0x0f, 0, 1, 0, 0), EXIT,
                Insn.of(0x72, 10, 0, -512, 5), Insn.of(0x71, 0, 10, -512, 0), EXIT);
        Cpu cpu = new Cpu(0);
        assertEquals(0, cpu.memory().stack().byteSize() % Address.FRAME);
        Program program = new Program(image, Compiler.compile(image, AccessRegions.of(image), false));
        assertEquals(12, program.run(cpu, 0, 0), () -> String.valueOf(cpu.cause()));
        assertEquals(3, cpu.memory().stack().get(ValueLayout.JAVA_BYTE, 0));
        assertEquals(4, cpu.memory().stack().get(ValueLayout.JAVA_BYTE, 511));
        assertEquals(5, cpu.memory().stack().get(ValueLayout.JAVA_BYTE, 512));
    }
}
