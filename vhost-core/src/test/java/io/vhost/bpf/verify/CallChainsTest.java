package io.vhost.bpf.verify;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.bpf.insn.Insn;
import io.vhost.bpf.insn.ProgramException;
import org.junit.jupiter.api.Test;

/** How much stack functions use together that call each other, and how many they are. */
class CallChainsTest extends Programs {
    private static long local(int distance) {
        return Insn.of(Insn.CALL_INSN, 0, 1, 0, distance);
    }

    /** Functions of six instructions that call each other in a row, each with so many bytes of stack. */
    private static long[] chain(int... stacks) {
        long[] program = {};
        for (int i = 0; i < stacks.length; i++) {
            program = code(program, mov(0, 0), store(8, 10, 0, -8), stacks[i] < 8 ? mov(0, 0)
                    : Insn.of(0x72, 10, 0, -stacks[i], 0), i < stacks.length - 1 ? local(2) : mov(0, 0),
                    mov(0, 0), EXIT);
        }
        return program;
    }

    @Test
    void allThatCallEachOtherHave512BytesTogether() throws ProgramException {
        accepted(chain(512));
        accepted(chain(256, 255));
        accepted(chain(256, 256));
        refused("combined stack size of 2 calls is 528. Too large", chain(256, 257));
        refused("combined stack size of 3 calls is 528. Too large", chain(496, 8, 8));
        accepted(chain(480, 8, 8));
        ProgramException refused = refused("combined stack size of 2 calls is 528", chain(512, 8));
        assertTrue(refused.getMessage().startsWith("let the functions that call each other use at most 512"),
                refused.getMessage());
    }

    @Test
    void functionsThatDoNotCallEachOtherHaveTheirOwn() throws ProgramException {
        long[] leaf = code(Insn.of(0x72, 10, 0, -500, 0), mov(0, 0), EXIT);
        accepted(code(local(3), local(5), mov(0, 0), EXIT, leaf, leaf));
    }

    @Test
    void whatACalleeStoresInItsCallersFrameIsTheCallers() throws ProgramException {
        long[] callee = code(Insn.of(0x72, 1, 0, 0, 0), mov(0, 0), EXIT);
        accepted(code(copy(1, 10), add(1, -512), local(1), EXIT, callee));
        refused("combined stack size of 2 calls is 528", code(copy(1, 10), add(1, -512), local(1), EXIT,
                Insn.of(0x72, 10, 0, -1, 0), callee));
        // Given to a helper, stored by it.
        refused("combined stack size of 2 calls is 528", code(mov(6, 0), store(8, 10, 6, -504), local(1),
                EXIT,
                Insn.of(0x7a, 10, 0, -8, 0), copy(3, 10), add(3, -8), mov(1, 0), mov(2, 0), mov(4, 8),
                mov(5, 0), call(28), EXIT));
    }

    @Test
    void callersOfTailCallsHave256() throws ProgramException {
        long[] function = code(map(2, 6), mov(3, 0), call(12), mov(0, 0), EXIT);
        for (int stack : new int[] {239, 240, 241}) {
            long[] program = code(Insn.of(0x72, 10, 0, -stack, 0), local(2), mov(0, 0), EXIT, function);
            if (stack <= 240) {
                accepted(program);
            } else {
                refused("call stack of previous frames is 256 bytes. Too large", program);
            }
        }
    }

    @Test
    void eightFunctionsMayBeNestedAndNoneCallsItself() throws ProgramException {
        accepted(chain(new int[8]));
        refused("the call stack of 9 frames is too deep", chain(new int[9]));
        // Not even where it is known that it comes to its end.
        refused("the call stack of 8 frames is too deep", mov(1, 1), local(1), EXIT,
                mov(0, 0), Insn.of(0x15, 1, 0, 2, 0), add(1, -1), local(-4), EXIT);
    }

    @Test
    void callbacksCountAsCalls() throws ProgramException {
        long[] loop = code(Insn.of(0x72, 10, 0, -505, 0), mov(1, 1), Insn.of(Insn.LDDW, 2,
                Insn.LDDW_FUNCTION, 0, 6), 0L, mov(3, 0), mov(4, 0), call(181), mov(0, 0), EXIT);
        accepted(code(loop, mov(0, 0), EXIT));
        refused("combined stack size of 2 calls is 528",
                code(loop, Insn.of(0x72, 10, 0, -1, 0), mov(0, 0), EXIT));
    }
}
