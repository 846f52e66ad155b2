package io.vhost.bpf.insn;

import java.util.Locale;
import java.util.function.IntFunction;

/** Instructions as text, in the form of the kernel's logs. Thread: stateless. */
public final class Disassembler {
    private Disassembler() {
    }

    /**
     * One instruction.
     *
     * @param second  the second half of a 16-byte instruction; else not looked at
     * @param helpers a helper's name by its number
     */
    public static String text(long insn, long second, IntFunction<String> helpers) {
        return String.format(Locale.ROOT, "(%02x) ", Insn.opcode(insn)) + switch (Insn.kind(insn)) {
            case Insn.LD -> "r" + Insn.dst(insn) + " = " + wide(insn, second);
            case Insn.LDX -> "r" + Insn.dst(insn) + " = *(" + (Insn.mode(insn) == Insn.MEMSX ? "s" : "u")
                    + 8 * Insn.size(insn) + " *)" + place(Insn.src(insn), insn);
            case Insn.ST -> stored(insn) + " = " + Insn.imm(insn);
            case Insn.STX -> Insn.mode(insn) == Insn.MEM ? stored(insn) + " = r" + Insn.src(insn)
                    : atomic(insn);
            case Insn.ALU, Insn.ALU64 -> arithmetic(insn);
            default -> jump(insn, helpers);
        };
    }

    private static String wide(long insn, long second) {
        return switch (Insn.src(insn)) {
            case Insn.LDDW_MAP -> "map " + Insn.imm(insn);
            case Insn.LDDW_MAP_VALUE -> "value of map " + Insn.imm(insn) + " +" + Insn.imm(second);
            case Insn.LDDW_FUNCTION -> "func pc" + signed(Insn.imm(insn));
            default -> "0x" + Long.toHexString(Insn.wide(insn, second));
        };
    }

    private static String place(int register, long insn) {
        return "(r" + register + " " + signed(Insn.off(insn)) + ")";
    }

    private static String signed(int number) {
        return number < 0 ? Integer.toString(number) : "+" + number;
    }

    private static String stored(long insn) {
        return "*(u" + 8 * Insn.size(insn) + " *)" + place(Insn.dst(insn), insn);
    }

    private static String atomic(long insn) {
        int operation = Insn.imm(insn);
        String register = "r" + Insn.src(insn);
        boolean fetches = (operation & Insn.FETCH) != 0;
        if (!fetches) {
            return "lock " + stored(insn) + " " + sign(operation) + "= " + register;
        }
        String call = "atomic" + (Insn.size(insn) == 8 ? "64" : "") + switch (operation) {
            case Insn.XCHG -> "_xchg";
            case Insn.CMPXCHG -> "_cmpxchg";
            case Insn.ADD | Insn.FETCH -> "_fetch_add";
            case Insn.AND | Insn.FETCH -> "_fetch_and";
            case Insn.OR | Insn.FETCH -> "_fetch_or";
            default -> "_fetch_xor";
        };
        boolean exchange = operation == Insn.CMPXCHG;
        return (exchange ? "r0" : register) + " = " + call + "((u" + 8 * Insn.size(insn) + " *)"
                + place(Insn.dst(insn), insn) + (exchange ? ", r0" : "") + ", " + register + ")";
    }

    private static String arithmetic(long insn) {
        boolean isWide = Insn.kind(insn) == Insn.ALU64;
        String letter = isWide ? "r" : "w";
        String dst = letter + Insn.dst(insn);
        String src = Insn.isX(insn) ? letter + Insn.src(insn) : Integer.toString(Insn.imm(insn));
        return switch (Insn.operation(insn)) {
            case Insn.NEG -> dst + " = -" + dst;
            case Insn.END -> "r" + Insn.dst(insn) + " = " + (isWide ? "bswap" : Insn.isX(insn) ? "be" : "le")
                    + Insn.imm(insn) + " r" + Insn.dst(insn);
            case Insn.MOV -> dst + " = " + (Insn.off(insn) == 0 ? "" : "(s" + Insn.off(insn) + ")") + src;
            default -> dst + " " + (Insn.off(insn) == 1 ? "s" : "") + sign(Insn.operation(insn)) + "= " + src;
        };
    }

    private static String sign(int operation) {
        return switch (operation) {
            case Insn.ADD -> "+";
            case Insn.SUB -> "-";
            case Insn.MUL -> "*";
            case Insn.DIV -> "/";
            case Insn.MOD -> "%";
            case Insn.OR -> "|";
            case Insn.AND -> "&";
            case Insn.XOR -> "^";
            case Insn.LSH -> "<<";
            case Insn.RSH -> ">>";
            default -> "s>>";
        };
    }

    private static String jump(long insn, IntFunction<String> helpers) {
        String target = "goto pc" + signed(Insn.isJump(insn) ? Insn.distance(insn) : 0);
        return switch (Insn.operation(insn)) {
            case Insn.EXIT -> "exit";
            case Insn.CALL -> Insn.src(insn) == Insn.CALL_LOCAL ? "call pc" + signed(Insn.imm(insn))
                    : "call " + helpers.apply(Insn.imm(insn)) + "#" + Insn.imm(insn);
            case Insn.JA -> target;
            default -> {
                String letter = Insn.kind(insn) == Insn.JMP ? "r" : "w";
                yield "if " + letter + Insn.dst(insn) + " " + condition(Insn.operation(insn)) + " "
                        + (Insn.isX(insn) ? letter + Insn.src(insn) : "0x" + Integer.toHexString(
                        Insn.imm(insn))) + " " + target;
            }
        };
    }

    private static String condition(int operation) {
        return switch (operation) {
            case Insn.JEQ -> "==";
            case Insn.JNE -> "!=";
            case Insn.JSET -> "&";
            case Insn.JGT -> ">";
            case Insn.JGE -> ">=";
            case Insn.JLT -> "<";
            case Insn.JLE -> "<=";
            case Insn.JSGT -> "s>";
            case Insn.JSGE -> "s>=";
            case Insn.JSLT -> "s<";
            default -> "s<=";
        };
    }
}
