package io.vhost.bpf.load;

import io.vhost.bpf.insn.Insn;
import java.util.SplittableRandom;

/** Programs with one to three mistakes in them, such as people and compilers make and attackers look for. */
final class MutatedProgram {
    private static final int[] NUMBERS = {0, 1, -1, 2, 4, 7, 8, 14, 16, 63, 64, 65, 511, 512, 513, 4096,
        0xFFFF, Integer.MAX_VALUE, Integer.MIN_VALUE};
    private static final int[] JUMPS = {Insn.JEQ, Insn.JGT, Insn.JGE, Insn.JSET, Insn.JNE, Insn.JSGT,
        Insn.JSGE, Insn.JLT, Insn.JLE, Insn.JSLT, Insn.JSLE};
    private static final int[] ARITHMETIC = {Insn.ADD, Insn.SUB, Insn.MUL, Insn.OR, Insn.AND, Insn.LSH,
        Insn.RSH, Insn.XOR, Insn.MOV, Insn.ARSH};
    private static final int[] SIZES = {0x00, 0x08, 0x10, 0x18};

    private final SplittableRandom random;

    MutatedProgram(SplittableRandom random) {
        this.random = random;
    }

    /** A copy with mistakes. */
    long[] of(long[] insns) {
        long[] mutated = insns.clone();
        int mistakes = 1 + random.nextInt(3);
        while (mistakes > 0) {
            int at = random.nextInt(mutated.length);
            boolean second = at > 0 && Insn.opcode(mutated[at - 1]) == Insn.LDDW
                    && Insn.opcode(mutated[at]) == 0;
            if (!second && Insn.opcode(mutated[at]) != Insn.LDDW) {
                mutated[at] = mistake(mutated[at], at, mutated);
                mistakes--;
            }
        }
        return mutated;
    }

    private long mistake(long insn, int at, long[] insns) {
        int kind = Insn.kind(insn);
        int opcode = Insn.opcode(insn);
        int dst = Insn.dst(insn);
        int src = Insn.src(insn);
        int off = Insn.off(insn);
        int imm = Insn.imm(insn);
        boolean memory = kind == Insn.LDX || kind == Insn.ST || kind == Insn.STX;
        boolean number = !memory && !Insn.isX(insn) && Insn.opcode(insn) != Insn.EXIT_INSN;
        return switch (random.nextInt(7)) {
            case 0 -> Insn.of(opcode, dst, src, memory ? off + one(NUMBERS) : off,
                    number ? nudged(imm) : imm);
            case 1 -> Insn.of(opcode, random.nextInt(11), src, off, imm);
            case 2 -> Insn.isX(insn) || kind == Insn.LDX || kind == Insn.STX
                    ? Insn.of(opcode, dst, random.nextInt(11), off, imm)
                    : Insn.of(opcode, dst, src, off, number ? one(NUMBERS) : imm);
            case 3 -> Insn.of(0xbf, random.nextInt(10), random.nextInt(11), 0, 0);
            case 4 -> operation(insn, kind);
            case 5 -> Insn.isJump(insn)
                    ? Insn.of(opcode, dst, src, random.nextInt(-at - 1, insns.length - at), imm)
                    : Insn.of(Insn.JMP | Insn.JA, 0, 0, 0, 0);
            default -> random.nextBoolean() ? Insn.of(0x0f, random.nextInt(10), random.nextInt(10), 0, 0)
                    : Insn.of(0x07, random.nextInt(10), 0, 0, one(NUMBERS));
        };
    }

    private int nudged(int imm) {
        return imm + random.nextInt(-2, 3);
    }

    private long operation(long insn, int kind) {
        int opcode = switch (kind) {
            case Insn.LDX, Insn.ST, Insn.STX -> (Insn.opcode(insn) & ~0x18) | one(SIZES);
            case Insn.ALU, Insn.ALU64 -> (Insn.opcode(insn) & 0x0f) | one(ARITHMETIC);
            case Insn.JMP, Insn.JMP32 -> Insn.isJump(insn) && !Insn.isGoto(insn)
                    ? (Insn.opcode(insn) & 0x0f) | one(JUMPS) : Insn.opcode(insn);
            default -> Insn.opcode(insn);
        };
        return Insn.of(opcode, Insn.dst(insn), Insn.src(insn), Insn.off(insn), Insn.imm(insn));
    }

    private int one(int[] choices) {
        return choices[random.nextInt(choices.length)];
    }
}
