package io.vhost.bpf.verify;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.bpf.insn.Insn;
import io.vhost.bpf.insn.ProgramException;
import io.vhost.bpf.run.ContextLayout;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Each rule at its edge: what is accepted, and what is refused with which words. */
class VerifierTest extends Programs {
    @Test
    void registersAreReadAfterTheyWereWritten() throws ProgramException {
        accepted(mov(0, 0), EXIT);
        refused("R0 !read_ok", EXIT);
        refused("R3 !read_ok", copy(0, 3), EXIT);
        refused("R1 !read_ok", code(call(5), copy(0, 1), EXIT));
    }

    @Test
    void everyInstructionIsReached() throws ProgramException {
        accepted(code(mov(0, 0), Insn.of(0x05, 0, 0, 0, 0), EXIT));
        refused("unreachable insn 2", code(mov(0, 0), Insn.of(0x05, 0, 0, 1, 0), mov(0, 1), EXIT));
    }

    @Test
    void constantsThatMakeNoSenseAreRefused() throws ProgramException {
        accepted(code(mov(0, 8), Insn.of(0x37, 0, 0, 0, 1), Insn.of(0x67, 0, 0, 0, 63), EXIT));
        refused("div by zero", code(mov(0, 8), Insn.of(0x37, 0, 0, 0, 0), EXIT));
        refused("invalid shift 64", code(mov(0, 8), Insn.of(0x67, 0, 0, 0, 64), EXIT));
        refused("invalid shift 32", code(mov(0, 8), Insn.of(0x64, 0, 0, 0, 32), EXIT));
    }

    @ParameterizedTest
    @ValueSource(ints = {Insn.JGT, Insn.JGE, Insn.JLT, Insn.JLE})
    void packetsAreComparedInEveryOrder(int operation) throws ProgramException {
        int opcode = Insn.JMP | Insn.X | operation;
        boolean leaves = operation == Insn.JGT || operation == Insn.JGE;
        int strict = operation == Insn.JGE || operation == Insn.JLT ? 1 : 0;
        // data + 8 against data_end, and the contrary
        for (boolean turned : new boolean[] {false, true}) {
            long jump = turned ? Insn.of(opcode, 3, 4, leaves ? 1 : 2, 0) : Insn.of(opcode, 4, 3,
                    leaves ? 2 : 1, 0);
            int extra = turned ? 1 - strict : strict;
            long[] inside = {load(1, 0, 2, 7 + extra), EXIT};
            long[] outside = {load(1, 0, 2, 8 + extra), EXIT};
            boolean first = turned != leaves;
            for (long[] access : List.of(inside, outside)) {
                long[] insns = code(packet(8), jump, first ? access : end(), first ? end() : access);
                long[] fixed = insns.clone();
                fixed[4] = Insn.of(opcode, Insn.dst(jump), Insn.src(jump), 2, 0);
                if (Arrays.equals(access, inside)) {
                    accepted(fixed);
                } else {
                    refused("invalid access to packet, off=" + (8 + extra) + " size=1", fixed);
                }
            }
        }
    }

    @Test
    void errorsBeginWithTheRemedyThenTellThePlace() {
        ProgramException refused = refused("invalid access to packet, off=12 size=2, R2(id=0,off=12,r=0)",
                code(packet(14), load(2, 0, 2, 12), EXIT));
        assertTrue(refused.getMessage().startsWith("check that data + 14 <= data_end before this access; "
                + "instruction 4 (line 4 @ p.c:4): invalid access"), refused.getMessage());
        assertEquals(4, refused.instruction());
    }

    @Test
    void variablePartsOfPacketAddressesNeedTheirOwnComparison() throws ProgramException {
        long[] index = code(packet(1), Insn.of(0x2d, 4, 3, 7, 0), load(1, 5, 2, 0),
                Insn.of(0x0f, 2, 5, 0, 0));
        long[] compare = code(copy(4, 2), add(4, 4), Insn.of(0x2d, 4, 3, 2, 0));
        accepted(code(index, compare, load(4, 0, 2, 0), EXIT, end()));
        refused("invalid access to packet, off=1 size=4",
                code(index, compare, load(4, 0, 2, 1), EXIT, end()));
        refused("invalid access to packet", code(index, load(1, 0, 2, 0), mov(0, 0), mov(0, 0), mov(0, 0),
                EXIT, end()));
    }

    @Test
    void helpersThatMoveThePacketMakeAddressesNumbers() {
        refused("R7 invalid mem access 'scalar'", code(copy(6, 1), packet(1), copy(7, 2),
                Insn.of(0x2d, 4, 3, 5, 0), copy(1, 6), mov(2, 0), call(44), load(1, 0, 7, 0), EXIT, end()));
    }

    @Test
    void metadataEndsWhereThePacketBegins() throws ProgramException {
        long[] start = code(load(4, 2, 1, 8), load(4, 3, 1, 0), copy(4, 2), add(4, 4),
                Insn.of(0x2d, 4, 3, 2, 0));
        accepted(code(start, load(4, 0, 2, 0), EXIT, end()));
        ProgramException refused = refused("invalid access to packet",
                code(start, load(4, 0, 2, 1), EXIT, end()));
        assertTrue(refused.getMessage().startsWith("check that data_meta + 5 <= data before"));
    }

    @Test
    void theContextIsReadByItsFields() throws ProgramException {
        accepted(code(load(4, 0, 1, 16), EXIT));
        refused("invalid bpf_context access off=20 size=4", code(load(4, 0, 1, 20), EXIT));
        refused("invalid bpf_context access off=24 size=4", code(load(4, 0, 1, 24), EXIT));
        refused("invalid bpf_context access off=12 size=2", code(load(2, 0, 1, 12), EXIT));
        refused("invalid bpf_context access off=16 size=4", code(mov(0, 0), store(4, 1, 0, 16), EXIT));
        refused("dereference of modified ctx ptr R1 off=4", code(add(1, 4), load(4, 0, 1, 0), EXIT));
        verify(Mode.STRICT, 0, ContextLayout.SKB, code(mov(0, 0), store(4, 1, 0, 8), load(2, 0, 1, 16),
                EXIT));
        assertThrows(ProgramException.class, () -> verify(Mode.STRICT, 0, ContextLayout.SKB,
                code(mov(0, 0), store(4, 1, 0, 16), EXIT)));
        assertThrows(ProgramException.class, () -> verify(Mode.STRICT, 0, ContextLayout.SKB,
                code(load(8, 0, 1, 168), EXIT)));
    }

    @Test
    void theStackHas512BytesAndIsReadAfterItWasWritten() throws ProgramException {
        accepted(code(mov(0, 1), store(8, 10, 0, -512), load(8, 0, 10, -512), EXIT));
        refused("invalid write to stack R10 off=-520", code(mov(0, 1), store(8, 10, 0, -520), EXIT));
        refused("invalid write to stack R10 off=0", code(mov(0, 1), store(8, 10, 0, 0), EXIT));
        refused("misaligned stack access", code(mov(0, 1), store(8, 10, 0, -12), EXIT));
        refused("invalid read from stack off -16+0 size 8", code(load(8, 0, 10, -16), EXIT));
        refused("invalid read from stack off -8+4 size 8", code(mov(0, 1), store(4, 10, 0, -8),
                load(8, 0, 10, -8), EXIT));
    }

    @Test
    void spilledAddressesAndNumbersComeBack() throws ProgramException {
        accepted(code(store(8, 10, 1, -8), load(8, 2, 10, -8), load(4, 0, 2, 0), mov(0, 0), EXIT));
        refused("R2 invalid mem access 'scalar'", code(store(8, 10, 1, -8), Insn.of(0x72, 10, 0, -8, 0),
                load(8, 2, 10, -8), load(4, 0, 2, 0), EXIT));
        refused("invalid size of register spill", code(store(4, 10, 1, -8), mov(0, 0), EXIT));
        // A number that is compared in a register is known on the stack, too.
        long[] value = code(lookup(0), Insn.of(0x15, 0, 0, 8, 0));
        long[] bounded = code(load(8, 1, 0, 0), store(8, 10, 1, -16), Insn.of(0x25, 1, 0, 4, 8),
                load(8, 2, 10, -16), Insn.of(0x0f, 0, 2, 0, 0));
        accepted(code(value, bounded, load(8, 3, 0, 0), Insn.of(0x05, 0, 0, 0, 0), end()));
        refused("off=9 size=8", code(value, bounded, load(8, 3, 0, 1), Insn.of(0x05, 0, 0, 0, 0), end()));
    }

    @Test
    void valuesAreUsedAfterTheyWereComparedWithNull() throws ProgramException {
        accepted(code(lookup(0), Insn.of(0x15, 0, 0, 1, 0), load(8, 1, 0, VALUE - 8), end()));
        ProgramException refused = refused("R0 invalid mem access 'map_value_or_null'",
                code(lookup(HASH), load(8, 1, 0, 0), end()));
        assertTrue(refused.getMessage().startsWith("compare the result of the lookup with NULL"));
        refused("invalid access to map value, value_size=16 off=9 size=8",
                code(lookup(0), Insn.of(0x15, 0, 0, 1, 0), load(8, 1, 0, 9), end()));
        refused("invalid access to map value, value_size=16 off=-1 size=8",
                code(lookup(0), Insn.of(0x15, 0, 0, 1, 0), load(8, 1, 0, -1), end()));
        refused("write into map forbidden",
                code(lookup(1), Insn.of(0x15, 0, 0, 1, 0), Insn.of(0x7a, 0, 0, 0, 1), end()));
        refused("pointer arithmetic on map_value_or_null prohibited", code(lookup(HASH), add(0, 1), end()));
    }

    @Test
    void helpersGetWhatTheyTake() throws ProgramException {
        refused("R1 type=ctx expected=map_ptr", code(copy(2, 10), add(2, -4), call(1), EXIT));
        refused("invalid indirect access to stack R2 off=-3 size=4",
                code(copy(2, 10), add(2, -3), map(1, 0), call(1), EXIT));
        refused("cannot pass map_type 27 into func bpf_map_lookup_elem#1",
                code(copy(2, 10), add(2, -4), map(1, 2), call(1), EXIT));
        refused("invalid func unknown#4711", code(call(4711), EXIT));
        long[] sum = code(copy(3, 10), add(3, -16), mov(1, 0), mov(2, 0), mov(5, 0));
        accepted(code(sum, mov(4, 16), call(28), EXIT));
        refused("invalid indirect access to stack R3", code(sum, mov(4, 20), call(28), EXIT));
        refused("R4 min value is negative", code(sum, mov(4, -4), call(28), EXIT));
        refused("R1 type=scalar expected=fp", code(sum, mov(2, 4), mov(4, 16), call(28), EXIT));
        refused("invalid zero-sized read", code(mov(2, 0), copy(3, 10), add(3, -8), mov(4, 0), call(189),
                EXIT));
    }

    @Test
    void recordsAreReleasedOnceOnEveryWay() throws ProgramException {
        long[] reserve = code(map(1, 2), mov(2, 8), mov(3, 0), call(131));
        long[] submit = code(copy(1, 0), mov(2, 0), call(132));
        accepted(code(reserve, Insn.of(0x15, 0, 0, 4, 0), Insn.of(0x7a, 0, 0, 0, 1), submit, end()));
        refused("Unreleased reference id=1 alloc_insn=4", code(reserve, end()));
        refused("R1 type=ringbuf_mem_or_null", code(reserve, submit, end()));
        refused("invalid access to memory, mem_size=8 off=1 size=8",
                code(reserve, Insn.of(0x15, 0, 0, 4, 0), Insn.of(0x7a, 0, 0, 1, 1), submit, end()));
        refused("R1 type=scalar", code(reserve, copy(6, 0), Insn.of(0x15, 0, 0, 6, 0), submit, copy(1, 6),
                mov(2, 0), call(132), end()));
        refused("expected=a known constant", code(map(6, 2), call(7), copy(2, 0), copy(1, 6),
                mov(3, 0), call(131), end()));
    }

    @Test
    void locksAreHeldOneAtATimeAndGivenBack() throws ProgramException {
        long[] value = code(lookup(3), Insn.of(0x15, 0, 0, 10, 0), copy(6, 0));
        long[] take = code(copy(1, 6), add(1, LOCK), call(93));
        long[] give = code(copy(1, 6), add(1, LOCK), call(94));
        long[] filler = code(mov(1, 0), mov(1, 0), mov(1, 0));
        accepted(code(value, take, give, filler, end()));
        refused("cannot be used inside bpf_spin_lock-ed region", code(value, take, filler, filler, end()));
        refused("function calls are not allowed while holding a lock",
                code(value, take, call(5), give, mov(1, 0), mov(1, 0), end()));
        refused("bpf_spin_unlock without taking a lock", code(value, give, filler, filler, end()));
        refused("bpf_spin_lock cannot be accessed directly by load/store",
                code(value, load(4, 1, 0, LOCK), filler, filler, filler, end()));
        accepted(code(value, load(8, 1, 0, LOCK - 8), filler, filler, filler, end()));
        refused("has no valid bpf_spin_lock", code(lookup(0), Insn.of(0x15, 0, 0, 3, 0), copy(1, 0),
                add(1, LOCK), call(93), end()));
    }

    @Test
    void mapsInMapsAreUsedAfterTheyWereComparedWithNull() throws ProgramException {
        long[] inner = code(lookup(4), Insn.of(0x15, 0, 0, 6, 0), copy(1, 0), copy(2, 10), add(2, -4),
                call(1), Insn.of(0x15, 0, 0, 1, 0));
        accepted(code(inner, load(8, 1, 0, VALUE - 8), end()));
        refused("invalid access to map value, value_size=16 off=16",
                code(inner, load(8, 1, 0, VALUE), end()));
        refused("map_ptr_or_null", code(lookup(4), copy(1, 0), copy(2, 10), add(2, -4), call(1), end()));
        refused("holds maps that are not known", code(lookup(5), end()));
    }

    @Test
    void arithmeticWithAddressesHasBounds() throws ProgramException {
        accepted(code(copy(2, 10), add(2, -8), store(8, 2, 1, 0), mov(0, 0), EXIT));
        refused("R2 32-bit pointer arithmetic prohibited",
                code(copy(2, 10), Insn.of(0x04, 2, 0, 0, 4), mov(0, 0), EXIT));
        refused("pointer arithmetic with &= operator prohibited",
                code(copy(2, 10), Insn.of(0x57, 2, 0, 0, -8), mov(0, 0), EXIT));
        refused("R2 pointer += pointer prohibited", code(copy(2, 10), Insn.of(0x0f, 2, 1, 0, 0), mov(0, 0),
                EXIT));
        refused("math between fp pointer and 536870912 is not allowed",
                code(copy(2, 10), add(2, 1 << 29), mov(0, 0), EXIT));
        refused("pointer arithmetic on map_ptr prohibited", code(map(2, 0), add(2, 8), mov(0, 0), EXIT));
        refused("unbounded min value", code(lookup(0), Insn.of(0x15, 0, 0, 2, 0), load(8, 1, 0, 0),
                Insn.of(0x0f, 0, 1, 0, 0), end()));
    }
}
