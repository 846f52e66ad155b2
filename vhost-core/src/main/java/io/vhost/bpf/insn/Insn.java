package io.vhost.bpf.insn;

/**
 * The fields of an instruction and the numbers that they hold (RFC 9669, sections 3 to 5). The names are
 * those of the RFC, without {@code BPF_}.
 * <pre>
 *   | opcode 8 | dst 4 | src 4 | off 16, signed | imm 32, signed |   from the lowest bit
 * </pre>
 */
public final class Insn {
    /** Instruction classes: the opcode's lowest three bits. */
    public static final int LD = 0;
    /** Loads into a register. */
    public static final int LDX = 1;
    /** Stores of an immediate. */
    public static final int ST = 2;
    /** Stores of a register, and atomic operations. */
    public static final int STX = 3;
    /** Arithmetic on 32 bits. */
    public static final int ALU = 4;
    /** Jumps that compare 64 bits. */
    public static final int JMP = 5;
    /** Jumps that compare 32 bits. */
    public static final int JMP32 = 6;
    /** Arithmetic on 64 bits. */
    public static final int ALU64 = 7;

    /** Set where the second operand is a register. */
    public static final int X = 8;

    /** Arithmetic: the opcode's upper four bits. */
    public static final int ADD = 0x00;
    /** Difference. */
    public static final int SUB = 0x10;
    /** Product. */
    public static final int MUL = 0x20;
    /** Quotient; signed if the offset is 1. */
    public static final int DIV = 0x30;
    /** Bitwise or. */
    public static final int OR = 0x40;
    /** Bitwise and. */
    public static final int AND = 0x50;
    /** Shift left. */
    public static final int LSH = 0x60;
    /** Shift right, zeros come in. */
    public static final int RSH = 0x70;
    /** Negation. */
    public static final int NEG = 0x80;
    /** Remainder; signed if the offset is 1. */
    public static final int MOD = 0x90;
    /** Bitwise exclusive or. */
    public static final int XOR = 0xa0;
    /** Move; with sign extension if the offset is 8, 16 or 32. */
    public static final int MOV = 0xb0;
    /** Shift right, the sign comes in. */
    public static final int ARSH = 0xc0;
    /** Byte swaps. */
    public static final int END = 0xd0;

    /** Jumps: the opcode's upper four bits. */
    public static final int JA = 0x00;
    /** Equal. */
    public static final int JEQ = 0x10;
    /** Unsigned greater. */
    public static final int JGT = 0x20;
    /** Unsigned greater or equal. */
    public static final int JGE = 0x30;
    /** Bits in common. */
    public static final int JSET = 0x40;
    /** Not equal. */
    public static final int JNE = 0x50;
    /** Signed greater. */
    public static final int JSGT = 0x60;
    /** Signed greater or equal. */
    public static final int JSGE = 0x70;
    /** Call. */
    public static final int CALL = 0x80;
    /** Return. */
    public static final int EXIT = 0x90;
    /** Unsigned less. */
    public static final int JLT = 0xa0;
    /** Unsigned less or equal. */
    public static final int JLE = 0xb0;
    /** Signed less. */
    public static final int JSLT = 0xc0;
    /** Signed less or equal. */
    public static final int JSLE = 0xd0;

    /** Whole opcode: the 16-byte load of a constant. */
    public static final int LDDW = 0x18;
    /** Whole opcode: call. */
    public static final int CALL_INSN = JMP | CALL;
    /** Whole opcode: return. */
    public static final int EXIT_INSN = JMP | EXIT;

    /** Load and store modes: the opcode's upper three bits. */
    public static final int MEM = 0x60;
    /** Loads that extend the sign. */
    public static final int MEMSX = 0x80;
    /** Atomic operations. */
    public static final int ATOMIC = 0xc0;

    /** Atomic operations, in the immediate: the old value goes to the source register. */
    public static final int FETCH = 0x01;
    /** Exchange. */
    public static final int XCHG = 0xe1;
    /** Compare with register 0 and exchange. */
    public static final int CMPXCHG = 0xf1;

    /** What a call's immediate is, in its source field: a helper's number. */
    public static final int CALL_HELPER = 0;
    /** A distance to a function of the program. */
    public static final int CALL_LOCAL = 1;
    /** What LDDW loads, in its source field: a number. */
    public static final int LDDW_NUMBER = 0;
    /** A map, here by its place among the program's maps. */
    public static final int LDDW_MAP = 1;
    /** An address in the first value of a map: the second half's immediate is the offset. */
    public static final int LDDW_MAP_VALUE = 2;
    /** A function of the program, by distance as in a call. */
    public static final int LDDW_FUNCTION = 4;

    /** The frame pointer. */
    public static final int FP = 10;
    /** Bytes of one instruction. */
    public static final int BYTES = 8;

    private Insn() {
    }

    /** Puts an instruction together. */
    public static long of(int opcode, int dst, int src, int off, int imm) {
        return (opcode & 0xFFL) | (dst & 0xFL) << 8 | (src & 0xFL) << 12 | (off & 0xFFFFL) << 16
                | (long) imm << 32;
    }

    /** The whole opcode. */
    public static int opcode(long insn) {
        return (int) insn & 0xFF;
    }

    /** The class. */
    public static int kind(long insn) {
        return (int) insn & 7;
    }

    /** The arithmetic or jump operation. */
    public static int operation(long insn) {
        return (int) insn & 0xF0;
    }

    /** The mode of a load or store. */
    public static int mode(long insn) {
        return (int) insn & 0xE0;
    }

    /** The destination register. */
    public static int dst(long insn) {
        return (int) insn >>> 8 & 0xF;
    }

    /** The source register. */
    public static int src(long insn) {
        return (int) insn >>> 12 & 0xF;
    }

    /** The offset. */
    public static int off(long insn) {
        return (short) (insn >>> 16);
    }

    /** The immediate. */
    public static int imm(long insn) {
        return (int) (insn >>> 32);
    }

    /** Whether the second operand is a register. */
    public static boolean isX(long insn) {
        return ((int) insn & X) != 0;
    }

    /** Bytes that a load or store moves: 1, 2, 4 or 8. */
    public static int size(long insn) {
        return switch ((int) insn & 0x18) {
            case 0x00 -> 4;
            case 0x08 -> 2;
            case 0x10 -> 1;
            default -> 8;
        };
    }

    /** Whether it is a jump that is neither call nor return. */
    public static boolean isJump(long insn) {
        int kind = kind(insn);
        return (kind == JMP || kind == JMP32) && operation(insn) != CALL && operation(insn) != EXIT;
    }

    /** Whether it jumps always. */
    public static boolean isGoto(long insn) {
        return opcode(insn) == JMP || opcode(insn) == JMP32;
    }

    /** How far a jump goes, counted from the instruction behind it. */
    public static int distance(long insn) {
        return opcode(insn) == JMP32 ? imm(insn) : off(insn);
    }

    /** The number that LDDW loads, from its two halves. */
    public static long wide(long first, long second) {
        return (imm(first) & 0xFFFFFFFFL) | (long) imm(second) << 32;
    }
}
