package io.vhost.bpf.verify;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.bpf.insn.Insn;
import io.vhost.bpf.insn.ProgramException;
import io.vhost.bpf.run.ContextLayout;
import java.util.Arrays;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Functions, callbacks, loops and the ways through them, and the log that tells of them. */
class WaysTest extends Programs {
    @Test
    void functionsAreFollowedWithTheirArguments() throws ProgramException {
        // A callee that loads through the caller's address.
        long[] caller = code(Insn.of(0x7a, 10, 0, -8, 5), copy(1, 10), add(1, -8),
                Insn.of(Insn.CALL_INSN, 0, 1, 0, 1), EXIT);
        accepted(code(caller, load(8, 0, 1, 0), EXIT));
        refused("invalid write to stack R1 off=0", code(caller, mov(0, 0), store(8, 1, 0, 8), EXIT));
        refused("cannot return stack pointer to the caller", code(caller, copy(0, 10), EXIT));
        refused("R6 !read_ok", code(caller, copy(0, 6), EXIT));
        refused("the call stack of 9 frames is too deep",
                code(Insn.of(Insn.CALL_INSN, 0, 1, 0, 1), EXIT, Insn.of(Insn.CALL_INSN, 0, 1, 0, -1), EXIT));
    }

    @Test
    void functionsMayReturnNothing() throws ProgramException {
        long call = Insn.of(Insn.CALL_INSN, 0, 1, 0, 2);
        accepted(call, mov(0, 1), EXIT, mov(1, 0), EXIT);
        refused("R0 !read_ok", call, mov(1, 1), EXIT, mov(1, 0), EXIT);
    }

    @Test
    void aTailCallInAFunctionMayReturnAnythingToItsCaller() throws ProgramException {
        // r0 is 0 behind the call, if the tail call fails.
        long[] function = code(map(2, 6), mov(3, 0), call(12), mov(0, 0), EXIT);
        long[] caller = code(copy(6, 1), Insn.of(Insn.CALL_INSN, 0, 1, 0, 4), copy(7, 10),
                Insn.of(0x0f, 7, 0, 0, 0), Insn.of(0x72, 7, 0, -1, 0));
        accepted(code(copy(6, 1), Insn.of(Insn.CALL_INSN, 0, 1, 0, 2), mov(0, 0), EXIT, function));
        refused("math between fp pointer", code(caller, EXIT, function));
        refused("R8 invalid mem access 'scalar'", code(packet(1), Insn.of(0x2d, 4, 3, 4, 0), copy(8, 2),
                Insn.of(Insn.CALL_INSN, 0, 1, 0, 4), load(1, 0, 8, 0), EXIT, end(), function));
    }

    @Test
    void onlyArraysHaveValuesWithoutALookup() throws ProgramException {
        accepted(code(Insn.of(Insn.LDDW, 1, Insn.LDDW_MAP_VALUE, 0, 0), 0L, load(8, 0, 1, 8), EXIT));
        refused("no direct value access support", code(Insn.of(Insn.LDDW, 1, Insn.LDDW_MAP_VALUE, 0, 2), 0L,
                mov(0, 0), EXIT));
        refused("direct value offset of 16 is not allowed", code(Insn.of(Insn.LDDW, 1, Insn.LDDW_MAP_VALUE, 0,
                0), Insn.of(0, 0, 0, 0, VALUE), mov(0, 0), EXIT));
    }

    @Test
    void loopsOfWhichItIsKnownThatTheyEndAreAccepted() throws ProgramException {
        accepted(code(mov(0, 0), add(0, 1), Insn.of(0xa5, 0, 0, -2, 1000), EXIT));
        Verdict verdict = verify(Mode.STRICT, 0, ContextLayout.XDP,
                code(mov(0, 0), add(0, 1), Insn.of(0xa5, 0, 0, -2, 1000), EXIT));
        assertEquals(2002, verdict.processed());
        refused("infinite loop detected", code(mov(0, 0), mov(1, 0), Insn.of(0x15, 0, 0, -2, 0), EXIT));
    }

    /** A million instructions are looked at for each. */
    @Test
    @Tag("slow")
    void loopsThatAreTooLongAreRefused() throws ProgramException {
        long[] longer = code(mov(0, 0), add(0, 1), Insn.of(0xa5, 0, 0, -2, 1_000_000), EXIT);
        refused("BPF program is too large. Processed 1000000 insn", longer);
        assertTrue(!verify(Mode.BUDGETED, 0, ContextLayout.XDP, longer).ends());
    }

    @Test
    void budgetedModeAcceptsLoopsThatMayNotEndAndSaysSo() throws ProgramException {
        long[] endless = code(mov(0, 0), mov(1, 0), Insn.of(0x15, 0, 0, -2, 0), EXIT);
        assertTrue(!verify(Mode.BUDGETED, 0, ContextLayout.XDP, endless).ends());
        assertTrue(verify(Mode.BUDGETED, 0, ContextLayout.XDP, mov(0, 0), EXIT).ends());
        // What is in the loop must do no harm all the same.
        long[] harmful = code(mov(0, 0), load(8, 2, 10, -8), add(0, 1), Insn.of(0xa5, 0, 0, -3, 9), EXIT);
        assertThrows(ProgramException.class, () -> verify(Mode.BUDGETED, 0, ContextLayout.XDP, harmful));
    }

    @Test
    void aLoopWithoutKnownEndMayNotLeaveTheValue() throws ProgramException {
        // i = 0; do { value[i] } while (++i != the value's first byte); with and without i < 16
        long[] start = code(lookup(0), Insn.of(0x15, 0, 0, 9, 0), load(8, 6, 0, 0), mov(7, 0));
        long[] body = code(copy(1, 0), Insn.of(0x0f, 1, 7, 0, 0), load(1, 2, 1, 0), add(7, 1));
        verify(Mode.BUDGETED, 0, ContextLayout.XDP, code(start, Insn.of(0x25, 7, 0, 5, VALUE - 1), body,
                Insn.of(0x5d, 7, 6, -6, 0), mov(1, 0), end()));
        ProgramException refused = assertThrows(ProgramException.class, () -> verify(Mode.BUDGETED, 0,
                ContextLayout.XDP, code(start, Insn.of(0x25, 7, 0, 5, VALUE), body,
                Insn.of(0x5d, 7, 6, -6, 0), mov(1, 0), end())));
        assertTrue(refused.text().contains("invalid access to map value"), refused.text());
    }

    @Test
    void callbacksAreFollowedUntilNothingChanges() throws ProgramException {
        long[] loop = code(Insn.of(0x7a, 10, 0, -8, 0), mov(1, 10),
                Insn.of(Insn.LDDW, 2, Insn.LDDW_FUNCTION, 0, 7), 0L, copy(3, 10), add(3, -8), mov(4, 0),
                call(181), load(8, 0, 10, -8), EXIT);
        accepted(code(loop, load(8, 0, 2, 0), Insn.of(0x0f, 0, 1, 0, 0), store(8, 2, 0, 0), mov(0, 0), EXIT));
        refused("should have been in [0, 1]", code(loop, mov(0, 2), EXIT));
        refused("invalid write to stack", code(loop, mov(0, 0), store(8, 2, 0, 8), EXIT));
        // What the callback counts on the caller's stack is no number that is known behind it.
        long[] counting = Arrays.copyOf(loop, 8);
        counting[2] = Insn.of(Insn.LDDW, 2, Insn.LDDW_FUNCTION, 0, 9);
        refused("R0 invalid mem access", code(counting, load(8, 5, 10, -8), copy(0, 5),
                load(8, 0, 0, 0), EXIT, load(8, 0, 2, 0), add(0, 1), store(8, 2, 0, 0), mov(0, 0), EXIT));
    }

    @Test
    void statesThatDifferInWhatDecidesAreFollowedBoth() {
        // r6 is 0 or 64 behind the join; only the second is outside.
        refused("invalid access to map value", code(lookup(0), Insn.of(0x15, 0, 0, 9, 0), copy(7, 0), call(7),
                mov(6, 64), Insn.of(0x15, 0, 0, 1, 0), mov(6, 0), Insn.of(0x05, 0, 0, 0, 0),
                Insn.of(0x0f, 7, 6, 0, 0), load(1, 1, 7, 0), mov(1, 0), end()));
    }

    /** Four million ways to a number; what comes is told the same by all. */
    private static long[] doubled(long... then) {
        long[] program = code(call(7), copy(6, 0), Insn.of(0x57, 6, 0, 0, 15));
        for (int i = 0; i < 22; i++) {
            program = code(program, call(7), Insn.of(0x67, 6, 0, 0, 1), Insn.of(0x15, 0, 0, 1, 0),
                    Insn.of(0x47, 6, 0, 0, 1));
        }
        return code(program, then);
    }

    /** Thirteen ranges that reach from 0 to 13, each of two numbers: all of them are inside a value of 16. */
    @Test
    void waysAreToldApartAsLongAsTheyAreNotTooMany() throws ProgramException {
        long[] program = code(call(7), copy(6, 0), Insn.of(0x57, 6, 0, 0, 1));
        for (int i = 0; i < 12; i++) {
            program = code(program, call(7), Insn.of(0x15, 0, 0, 1, 0), add(6, 1));
        }
        accepted(code(program, lookup(0), Insn.of(0x15, 0, 0, 2, 0), Insn.of(0x0f, 0, 6, 0, 0),
                load(1, 0, 0, 0), mov(0, 0), end()));
    }

    @Test
    void waysThatAreTooManyAreJoined() throws ProgramException {
        long[] decides = doubled(mov(0, 1), Insn.of(0x25, 6, 0, 1, 1000), mov(0, 2), EXIT);
        Verdict verdict = verify(Mode.STRICT, 0, ContextLayout.XDP, decides);
        assertTrue(verdict.ends());
        assertTrue(verdict.processed() < 10_000, verdict::toString);
        // What the number was is not known any more where it must be.
        long[] indexes = doubled(code(lookup(0), Insn.of(0x15, 0, 0, 4, 0), Insn.of(0x77, 6, 0, 0, 26),
                Insn.of(0x0f, 0, 6, 0, 0), load(1, 0, 0, 0), mov(0, 0), end()));
        assertThrows(ProgramException.class, () -> verify(Mode.STRICT, 0, ContextLayout.XDP, indexes));
        long[] bounded = doubled(code(Insn.of(0x57, 6, 0, 0, 7), lookup(0), Insn.of(0x15, 0, 0, 2, 0),
                Insn.of(0x0f, 0, 6, 0, 0), load(1, 0, 0, 0), mov(0, 0), end()));
        assertTrue(verify(Mode.STRICT, 0, ContextLayout.XDP, bounded).ends());
    }

    @Test
    void logsReadAsTheKernels() throws ProgramException {
        String log = verify(Mode.STRICT, 2, ContextLayout.XDP, code(packet(14), Insn.of(0x2d, 4, 3, 2, 0),
                load(1, 0, 2, 13), EXIT, end())).log();
        assertTrue(log.contains("0: (61) r2 = *(u32 *)(r1 +0)            ; R2=pkt(r=0) R1=ctx()"), log);
        assertTrue(log.contains("4: (2d) if r4 > r3 goto pc+2"), log);
        assertTrue(log.contains("; line 5 @ p.c:5\n"), log);
        assertTrue(log.contains("from 4 to 7: R1=ctx() R2=pkt(r=0) R3=pkt_end() R4=pkt(off=14,r=0) R10=fp0"),
                log);
        assertTrue(log.contains("R2=pkt(r=14)"), log);
        assertTrue(log.endsWith("processed 9 insns (limit 1000000) total_states 0\n"), log);
        assertEquals("", verify(Mode.STRICT, 0, ContextLayout.XDP, mov(0, 0), EXIT).log());
        String error = refused("R0 !read_ok", EXIT).log();
        assertTrue(error.startsWith("0: R1=ctx() R10=fp0\n; line 0 @ p.c:0\n0: (95) exit\nR0 !read_ok\n"),
                error);
    }
}
