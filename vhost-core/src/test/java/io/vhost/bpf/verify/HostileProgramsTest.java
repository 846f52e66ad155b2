package io.vhost.bpf.verify;

import io.vhost.bpf.insn.Insn;
import io.vhost.bpf.insn.ProgramException;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/**
 * Programs that do harm on a way that a careless verifier takes for one it has seen: what was left out of the
 * comparison of two states is what decides later. Each has a harmless twin that is accepted.
 */
class HostileProgramsTest extends Programs {
    private static final long NOP = Insn.of(0x05, 0, 0, 0, 0);
    private static final long OUTSIDE = 64;

    /** Places enough for a state to be kept at one of them. */
    private static long[] places() {
        long[] nops = new long[12];
        Arrays.fill(nops, NOP);
        return nops;
    }

    private static long jump(int opcode, int dst, int imm, int distance) {
        return Insn.of(opcode, dst, 0, distance, imm);
    }

    private static long local(int distance) {
        return Insn.of(Insn.CALL_INSN, 0, 1, 0, distance);
    }

    private static long plus(int dst, int src) {
        return Insn.of(0x0f, dst, src, 0, 0);
    }

    /** A value in r7, {@code then}, and the end. */
    private static long[] withValue(long... then) {
        return code(lookup(0), jump(0x15, 0, 0, then.length + 1), copy(7, 0), then, end());
    }

    /** {@code register} is 0, and on the way that is followed later {@code other}. */
    private static long[] either(int register, long other) {
        return code(call(7), mov(register, (int) other), jump(0x15, 0, 1, 1), mov(register, 0));
    }

    /** Loads the byte of the value whose index is in {@code register}. */
    private static long[] index(int register) {
        return code(plus(7, register), load(1, 1, 7, 0));
    }

    private static void indexes(long[] before, int register) throws ProgramException {
        accepted(withValue(code(before, mov(register, 0), index(register))));
        refused("invalid access to map value", withValue(code(before, index(register))));
    }

    @Test
    void numbersThatAreUsedLaterDecide() throws ProgramException {
        indexes(code(either(6, OUTSIDE), places()), 6);
        indexes(code(either(6, OUTSIDE), store(8, 10, 6, -16), mov(6, 0), places(), load(8, 5, 10, -16)), 5);
        indexes(code(either(6, OUTSIDE), store(4, 10, 6, -16), mov(6, 0), places(), load(4, 5, 10, -16)), 5);
        indexes(code(either(6, OUTSIDE), store(1, 10, 6, -13), mov(6, 0), places(), load(1, 5, 10, -13)), 5);
    }

    @Test
    void numbersDecideThroughArithmeticAndOtherNumbers() throws ProgramException {
        indexes(code(either(6, OUTSIDE), places(), mov(5, 0), plus(5, 6)), 5);
        indexes(code(either(6, OUTSIDE), places(), Insn.of(0xbc, 5, 6, 0, 0)), 5);
        indexes(code(either(6, 5), places(), mov(5, 1), Insn.of(0x6f, 5, 6, 0, 0)), 5);
        // Compared in one register, used in its copy: on the second way it is a copy of another.
        long[] copies = code(call(7), copy(6, 0), copy(8, 0), call(7), copy(9, 0), call(7));
        long[] used = code(places(), jump(0x25, 6, VALUE - 1, 2), index(8));
        accepted(withValue(code(copies, jump(0x15, 0, 1, 1), NOP, used)));
        refused("unbounded min value", withValue(code(copies, jump(0x15, 0, 1, 1), copy(8, 9), used)));
        refused("unbounded min value", withValue(code(copies, copy(8, 9), jump(0x15, 0, 1, 1), copy(8, 6),
                used)));
    }

    @Test
    void aNumberThatACalleeStoresForItsCallerDecides() throws ProgramException {
        long[] function = code(mov(3, (int) OUTSIDE), jump(0x15, 2, 5, 1), mov(3, 0), places(),
                store(8, 1, 3, 0), mov(0, 0), EXIT);
        long[] caller = code(call(7), copy(2, 0), copy(1, 10), add(1, -16));
        for (boolean harmless : new boolean[] {true, false}) {
            long[] then = code(load(8, 5, 10, -16), harmless ? mov(5, 0) : NOP, index(5));
            long[] program = code(withValue(code(caller, local(then.length + 2), then)), function);
            if (harmless) {
                accepted(program);
            } else {
                refused("invalid access to map value", program);
            }
        }
    }

    @Test
    void aNumberThatACalleesCalleeStoresDecides() throws ProgramException {
        long[] inner = code(mov(3, (int) OUTSIDE), jump(0x15, 2, 5, 1), mov(3, 0), places(),
                store(8, 1, 3, 0), mov(0, 0), EXIT);
        long[] outer = code(local(1), EXIT, inner);
        long[] then = code(load(8, 5, 10, -16), index(5));
        refused("invalid access to map value", code(withValue(code(call(7), copy(2, 0), copy(1, 10),
                add(1, -16), local(then.length + 2), then)), outer));
    }

    @Test
    void aStoreThatMayGoElsewhereLeavesTheSlotAsItWas() throws ProgramException {
        // r1 is fp-16 or the value.
        long[] address = code(call(7), copy(1, 10), add(1, -16), jump(0x15, 0, 1, 1), copy(1, 7));
        long[] spill = code(either(6, OUTSIDE), store(8, 10, 6, -16), mov(6, 0));
        indexes(code(spill, address, places(), Insn.of(0x7a, 1, 0, 0, 0), load(8, 5, 10, -16)), 5);
    }

    @Test
    void anAddressThatMayHaveBeenOverwrittenIsStillOne() throws ProgramException {
        // fp-24 holds fp-16; a store through r1 is to fp-24 or to the value; what fp-24 points to is loaded.
        long[] spill = code(either(6, OUTSIDE), store(8, 10, 6, -16), mov(6, 0));
        long[] address = code(copy(2, 10), add(2, -16), store(8, 10, 2, -24), call(7), copy(1, 10),
                add(1, -24), mov(8, 1), jump(0x15, 0, 1, 2), copy(1, 7), mov(8, 0));
        // Behind the store, the way on which fp-24 was overwritten ends.
        indexes(code(spill, address, places(), Insn.of(0x7a, 1, 0, 0, 0), mov(5, 0), jump(0x15, 8, 1, 2),
                load(8, 2, 10, -24), load(8, 5, 2, 0)), 5);
    }

    @Test
    void whatWasComparedWithNullIsToldApart() throws ProgramException {
        // r6 and r8 come from one look-up or from two; only one is compared.
        long[] two = code(lookup(HASH), copy(6, 0), copy(8, 0), call(7), jump(0x15, 0, 1, 1), NOP);
        accepted(code(two, places(), jump(0x15, 6, 0, 1), load(8, 1, 8, 0), end()));
        long[] other = code(lookup(HASH), copy(6, 0), lookup(HASH), copy(8, 0));
        refused("map_value_or_null", code(other, places(), jump(0x15, 6, 0, 1), load(8, 1, 8, 0), end()));
        long[] mixed = code(lookup(HASH), copy(6, 0), lookup(HASH), copy(8, 0), call(7), jump(0x15, 0, 1, 1),
                copy(8, 6));
        refused("map_value_or_null", code(mixed, places(), jump(0x15, 6, 0, 1), load(8, 1, 8, 0), end()));
    }

    @Test
    void packetsThatAreShorterOnOneWayAreToldApart() throws ProgramException {
        // data + 16 was compared on the first way, data + 8 on the other.
        long[] compare = code(copy(6, 1), call(7), load(4, 2, 6, 0), load(4, 3, 6, 4), copy(4, 2), add(4, 8),
                jump(0x15, 0, 1, 1), add(4, 8));
        long[] rest = code(mov(4, 0), places());
        accepted(code(compare, Insn.of(0x2d, 4, 3, rest.length + 1, 0), rest, load(8, 1, 2, 0), end()));
        refused("invalid access to packet",
                code(compare, Insn.of(0x2d, 4, 3, rest.length + 1, 0), rest, load(8, 1, 2, 8), end()));
    }

    @Test
    void sizesForHelpersDecide() throws ProgramException {
        for (long size : new long[] {16, 20}) {
            long[] program = code(Insn.of(0x7a, 10, 0, -8, 0), Insn.of(0x7a, 10, 0, -16, 0), call(7),
                    mov(4, (int) size), jump(0x15, 0, 1, 1), mov(4, 4), places(), copy(3, 10), add(3, -16),
                    mov(1, 0), mov(2, 0), mov(5, 0), call(28), end());
            if (size == 16) {
                accepted(program);
            } else {
                refused("invalid indirect access to stack", program);
            }
        }
    }

    @Test
    void keysThatAreKnownToBeThereDecide() throws ProgramException {
        // Of an array of four entries, the key is 0 or 64: only the first is there.
        for (boolean harmless : new boolean[] {true, false}) {
            long[] program = code(either(6, harmless ? 3 : OUTSIDE), store(4, 10, 6, -8), mov(6, 0), places(),
                    copy(2, 10), add(2, -8), map(1, 0), call(1), load(1, 1, 0, 0), end());
            if (harmless) {
                accepted(program);
            } else {
                refused("map_value_or_null", program);
            }
        }
    }

    @Test
    void registersThatACallKeepsDecide() throws ProgramException {
        long[] function = code(places(), mov(0, 0), EXIT);
        long[] then = index(6);
        refused("invalid access to map value", code(withValue(code(either(6, OUTSIDE),
                local(then.length + 2), then)), function));
        // A slot of the caller that the callee does not see.
        long[] loads = code(load(8, 5, 10, -16), index(5));
        refused("invalid access to map value", code(withValue(code(either(6, OUTSIDE), store(8, 10, 6, -16),
                mov(6, 0), local(loads.length + 2), loads)), function));
        // What a callee returns.
        long[] returned = code(mov(0, (int) OUTSIDE), jump(0x15, 1, 5, 1), mov(0, 0), places(), EXIT);
        long[] uses = code(copy(5, 0), index(5));
        refused("invalid access to map value", code(withValue(code(call(7), copy(1, 0),
                local(uses.length + 2), uses)), returned));
    }

    @Test
    void whatACallbackChangesDecides() throws ProgramException {
        // The callback stores 0 or 64 on its caller's stack; the caller uses it as an index.
        long[] function = code(mov(3, (int) OUTSIDE), jump(0x15, 1, 5, 1), mov(3, 0), places(),
                store(8, 2, 3, 0), mov(0, 0), EXIT);
        for (boolean harmless : new boolean[] {true, false}) {
            long[] then = code(load(8, 5, 10, -16), harmless ? mov(5, 0) : NOP, index(5));
            long[] loop = code(Insn.of(0x7a, 10, 0, -16, 0), mov(1, 10),
                    Insn.of(Insn.LDDW, 2, Insn.LDDW_FUNCTION, 0, 5 + then.length + 2), 0L, copy(3, 10),
                    add(3, -16), mov(4, 0), call(181));
            long[] program = code(withValue(code(loop, then)), function);
            if (harmless) {
                accepted(program);
            } else {
                refused("math between map_value pointer", program);
            }
        }
    }

    @Test
    void loopsThatBeginWithACallEndLikeOthers() throws ProgramException {
        refused("infinite loop detected", call(7), jump(0x55, 0, 0, -2), mov(0, 0), EXIT);
        refused("infinite loop detected", code(local(3), jump(0x55, 0, 0, -2), mov(0, 0), EXIT, call(7),
                EXIT));
        accepted(code(mov(6, 0), Insn.of(0x05, 0, 0, 0, 0), call(7), add(6, 1), jump(0xa5, 6, 100, -3),
                mov(0, 0), EXIT));
    }

    @Test
    void loopsAroundCallbacksEndLikeOthers() throws ProgramException {
        // No call back at all, so that nothing is charged.
        long[] loop = code(mov(1, 0), Insn.of(Insn.LDDW, 2, Insn.LDDW_FUNCTION, 0, 7), 0L, mov(3, 0),
                mov(4, 0), call(181), call(7));
        long[] function = code(mov(0, 0), EXIT);
        refused("infinite loop detected", code(loop, jump(0x55, 0, 0, -8), EXIT, function));
        refused("infinite loop detected", code(loop[0], loop[1], loop[2], loop[3], loop[4], loop[5],
                call(7), jump(0x55, 0, 0, -8), EXIT, function));
        long[] counted = code(mov(6, 0), loop, add(6, 1), jump(0xa5, 6, 10, -9), mov(0, 0), EXIT, function);
        counted[2] = Insn.of(Insn.LDDW, 2, Insn.LDDW_FUNCTION, 0, 9);
        accepted(counted);
    }
}
