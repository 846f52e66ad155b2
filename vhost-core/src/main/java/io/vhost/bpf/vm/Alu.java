package io.vhost.bpf.vm;

import io.vhost.bpf.insn.Insn;
import io.vhost.bpf.mem.Bytes;

/** Arithmetic of RFC 9669, section 4.1: division by zero is 0, the remainder of it leaves the register. */
final class Alu {
    private Alu() {
    }

    static long alu64(long insn, long dst, long src) {
        boolean signed = Insn.off(insn) == 1;
        return switch (Insn.operation(insn)) {
            case Insn.ADD -> dst + src;
            case Insn.SUB -> dst - src;
            case Insn.MUL -> dst * src;
            case Insn.DIV -> src == 0 ? 0 : signed ? dst / src : Long.divideUnsigned(dst, src);
            case Insn.MOD -> src == 0 ? dst : signed ? dst % src : Long.remainderUnsigned(dst, src);
            case Insn.OR -> dst | src;
            case Insn.AND -> dst & src;
            case Insn.XOR -> dst ^ src;
            case Insn.LSH -> dst << src;
            case Insn.RSH -> dst >>> src;
            case Insn.ARSH -> dst >> src;
            case Insn.NEG -> -dst;
            case Insn.MOV -> extended(insn, src);
            default -> swapped(dst, Insn.imm(insn));
        };
    }

    /** The lower 32 bits of the result; the upper ones are zero. */
    static long alu32(long insn, int dst, int src) {
        boolean signed = Insn.off(insn) == 1;
        int result = switch (Insn.operation(insn)) {
            case Insn.ADD -> dst + src;
            case Insn.SUB -> dst - src;
            case Insn.MUL -> dst * src;
            case Insn.DIV -> src == 0 ? 0 : signed ? dst / src : Integer.divideUnsigned(dst, src);
            case Insn.MOD -> src == 0 ? dst : signed ? dst % src : Integer.remainderUnsigned(dst, src);
            case Insn.OR -> dst | src;
            case Insn.AND -> dst & src;
            case Insn.XOR -> dst ^ src;
            case Insn.LSH -> dst << src;
            case Insn.RSH -> dst >>> src;
            case Insn.ARSH -> dst >> src;
            case Insn.NEG -> -dst;
            default -> (int) extended(insn, src);
        };
        return result & 0xFFFFFFFFL;
    }

    /** To little-endian where the opcode has no X, to big-endian where it has; the rest is cut off. */
    static long ended(long insn, long value) {
        int bits = Insn.imm(insn);
        boolean swap = Insn.isX(insn) == Bytes.LITTLE;
        return swap ? swapped(value, bits) : switch (bits) {
            case 16 -> value & 0xFFFF;
            case 32 -> value & 0xFFFFFFFFL;
            default -> value;
        };
    }

    private static long swapped(long value, int bits) {
        return switch (bits) {
            case 16 -> Short.reverseBytes((short) value) & 0xFFFFL;
            case 32 -> Integer.reverseBytes((int) value) & 0xFFFFFFFFL;
            default -> Long.reverseBytes(value);
        };
    }

    private static long extended(long insn, long value) {
        return switch (Insn.off(insn)) {
            case 8 -> (byte) value;
            case 16 -> (short) value;
            case 32 -> (int) value;
            default -> value;
        };
    }

    /** Whether a jump is taken; for JMP32 with both operands sign-extended from 32 bits. */
    static boolean holds(int operation, long dst, long src) {
        return switch (operation) {
            case Insn.JEQ -> dst == src;
            case Insn.JNE -> dst != src;
            case Insn.JSET -> (dst & src) != 0;
            case Insn.JGT -> Long.compareUnsigned(dst, src) > 0;
            case Insn.JGE -> Long.compareUnsigned(dst, src) >= 0;
            case Insn.JLT -> Long.compareUnsigned(dst, src) < 0;
            case Insn.JLE -> Long.compareUnsigned(dst, src) <= 0;
            case Insn.JSGT -> dst > src;
            case Insn.JSGE -> dst >= src;
            case Insn.JSLT -> dst < src;
            default -> dst <= src;
        };
    }
}
