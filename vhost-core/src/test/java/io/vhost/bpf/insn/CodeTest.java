package io.vhost.bpf.insn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What is well formed, and what is refused with which words. */
class CodeTest {
    private static final long EXIT = Insn.of(Insn.EXIT_INSN, 0, 0, 0, 0);
    private static final long WIDE = Insn.of(Insn.LDDW, 1, 0, 0, 5);

    static Stream<Arguments> refused() {
        return Stream.of(
                arguments("R11 is invalid", Insn.of(0xb7, 11, 0, 0, 0)),
                arguments("R11 is invalid", Insn.of(0xbf, 1, 11, 0, 0)),
                arguments("frame pointer is read only", Insn.of(0xb7, 10, 0, 0, 0)),
                arguments("frame pointer is read only", Insn.of(0x79, 10, 1, 0, 0)),
                arguments("frame pointer is read only", Insn.of(0xdb, 1, 10, 0, Insn.XCHG)),
                arguments("unknown opcode 20; loads from a packet", Insn.of(0x20, 0, 0, 0, 0)),
                arguments("unknown opcode e7", Insn.of(0xe7, 1, 0, 0, 0)),
                arguments("unknown opcode 99", Insn.of(0x99, 1, 2, 0, 0)),
                arguments("unknown opcode 8d; calls by register", Insn.of(0x8d, 2, 0, 0, 0)),
                arguments("BPF_ALU uses reserved fields", Insn.of(0xbf, 1, 2, 0, 7)),
                arguments("BPF_ALU uses reserved fields", Insn.of(0xb7, 1, 2, 0, 7)),
                arguments("BPF_ALU uses reserved fields", Insn.of(0xbc, 1, 2, 32, 0)),
                arguments("BPF_ALU uses reserved fields", Insn.of(0x37, 1, 0, 2, 7)),
                arguments("BPF_ALU uses reserved fields", Insn.of(0xd4, 1, 0, 0, 8)),
                arguments("BPF_LDX uses reserved fields", Insn.of(0x79, 1, 2, 0, 7)),
                arguments("BPF_ATOMIC uses invalid atomic opcode 10", Insn.of(0xdb, 1, 2, 0, 0x10)),
                arguments("unknown opcode cb", Insn.of(0xcb, 1, 2, 0, 0)),
                arguments("BPF_JA uses reserved fields", Insn.of(0x05, 0, 0, 0, 1)),
                arguments("BPF_EXIT uses reserved fields", Insn.of(0x95, 1, 0, 0, 0)),
                arguments("calling kernel function 3 is not allowed", Insn.of(0x85, 0, 2, 0, 3)),
                arguments("BPF_LD_IMM64 with source 5 is not linked", Insn.of(Insn.LDDW, 1, 5, 0, 0)),
                arguments("jump out of range from insn 0 to 3", Insn.of(0x05, 0, 0, 2, 0)),
                arguments("jump out of range from insn 0 to -1", Insn.of(0x05, 0, 0, -2, 0)),
                arguments("function 3 is outside the program of 3", Insn.of(0x85, 0, 1, 0, 2)),
                arguments("function 0 is outside the program", Insn.of(0x85, 0, 1, 0, -1)));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("refused")
    void theWordsSayWhatIsWrong(String words, long insn) {
        ProgramException refused = assertThrows(ProgramException.class,
                () -> Code.of("p", insn, Insn.opcode(insn) == Insn.LDDW ? 0 : EXIT, EXIT));
        assertEquals(0, refused.instruction());
        assertTrue(refused.text().startsWith(words), refused.text());
    }

    @Test
    void aWideInstructionIsWholeAndNobodyJumpsIntoIt() throws ProgramException {
        assertEquals(3, Code.of("p", WIDE, 0, EXIT).length());
        assertThrows(ProgramException.class, () -> Code.of("p", EXIT, WIDE));
        assertThrows(ProgramException.class, () -> Code.of("p", WIDE, EXIT, EXIT));
        assertThrows(ProgramException.class, () -> Code.of("p", WIDE, 0));
        ProgramException into = assertThrows(ProgramException.class,
                () -> Code.of("p", Insn.of(0x05, 0, 0, 1, 0), WIDE, 0, EXIT));
        assertEquals("jump into the middle of ldimm64 insn 1", into.text());
    }

    @Test
    void aJumpMayGoToItsFunctionsFirstAndLastInstruction() throws ProgramException {
        assertEquals(2, Code.of("p", Insn.of(0x05, 0, 0, -1, 0), EXIT).length());
        assertEquals(2, Code.of("p", Insn.of(0x05, 0, 0, 0, 0), EXIT).length());
    }

    @Test
    void noJumpLeavesItsFunction() throws ProgramException {
        long call = Insn.of(0x85, 0, 1, 0, 1);
        Code code = Code.of("p", call, EXIT, EXIT);
        assertEquals(2, code.functions());
        assertEquals(1, code.target(0));
        assertEquals(2, code.end(0));
        assertThrows(ProgramException.class,
                () -> Code.of("p", Insn.of(0x85, 0, 1, 0, 2), Insn.of(0x05, 0, 0, 1, 0), EXIT, EXIT));
    }

    @Test
    void aMillionInstructionsAreAProgramAndOneMoreIsNone() throws ProgramException {
        long[] insns = new long[Code.MAX_INSTRUCTIONS];
        Arrays.fill(insns, EXIT);
        assertEquals(Code.MAX_INSTRUCTIONS, Code.of("p", insns).length());
        assertThrows(ProgramException.class, () -> Code.of("p", Arrays.copyOf(insns, insns.length + 1)));
        assertThrows(ProgramException.class, () -> Code.of("p"));
    }

    @Test
    void fieldsAreWhereTheRfcHasThem() {
        long insn = Insn.of(0x63, 7, 9, -3, -2);
        assertEquals(0xfffffffefffd9763L, insn);
        assertEquals(7, Insn.dst(insn));
        assertEquals(9, Insn.src(insn));
        assertEquals(-3, Insn.off(insn));
        assertEquals(-2, Insn.imm(insn));
        assertEquals(4, Insn.size(insn));
        assertEquals(0x8000000000000001L, Insn.wide(Insn.of(0x18, 0, 0, 0, 1),
                Insn.of(0, 0, 0, 0, Integer.MIN_VALUE)));
    }
}
