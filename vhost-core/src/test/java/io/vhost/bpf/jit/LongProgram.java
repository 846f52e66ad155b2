package io.vhost.bpf.jit;

import io.vhost.bpf.insn.Code;
import io.vhost.bpf.insn.Insn;
import io.vhost.bpf.insn.ProgramException;
import java.util.SplittableRandom;

/**
 * Programs of thousands of instructions that run to their ends, or until a loop's budget does: arithmetic,
 * loads and stores of the packet and of the frame, jumps forward over up to a thousand instructions, loops
 * around as many, calls of a second function.
 */
final class LongProgram {
    /** Bytes of the packet that are used. */
    static final int SIZE = 64;

    private static final int PACKET = 7;
    private static final int COUNTER = 6;
    private static final int FAR = 1_000;
    private static final int ROUNDS = 3;
    private static final int[] NUMBERS = {0, 2, 3, 4, 5, 8, 9};
    private static final int[] ARITHMETIC = {Insn.ADD, Insn.SUB, Insn.MUL, Insn.OR, Insn.AND, Insn.XOR,
        Insn.MOV, Insn.DIV, Insn.MOD, Insn.LSH, Insn.ARSH};
    private static final int[] JUMPS = {Insn.JEQ, Insn.JGT, Insn.JSET, Insn.JNE, Insn.JSGT, Insn.JLE};
    private static final int[] SIZES = {0x00, 0x08, 0x10, 0x18};

    private final SplittableRandom random;

    LongProgram(SplittableRandom random) {
        this.random = random;
    }

    /** A program whose functions have so many instructions. */
    Code next(int first, int second) throws ProgramException {
        long[] insns = new long[first + second];
        function(insns, 0, first, second > 0 ? first : -1);
        if (second > 0) {
            function(insns, first, first + second, -1);
        }
        return Code.of("long", insns);
    }

    private void function(long[] insns, int start, int end, int callee) {
        insns[start] = Insn.of(0x61, PACKET, 1, 0, 0);
        insns[start + 1] = Insn.of(0xb7, COUNTER, 0, 0, 1);
        int last = end - 1 - 2 * NUMBERS.length;
        int loop = -1;
        for (int at = start + 2; at < last; at++) {
            if (loop < 0 && random.nextInt(200) == 0 && at + 2 < last) {
                insns[at] = Insn.of(0xb7, COUNTER, 0, 0, ROUNDS);
                loop = at + 1;
            } else if (loop >= 0 && at < last - 1 && (random.nextInt(FAR) == 0 || at == last - 2)) {
                insns[at] = Insn.of(0x07, COUNTER, 0, 0, -1);
                at++;
                insns[at] = Insn.of(0x55, COUNTER, 0, loop - at - 1, 0);
                loop = -1;
            } else {
                insns[at] = insn(at, last, callee);
            }
        }
        for (int i = 0; i < NUMBERS.length; i++) {
            insns[last + 2 * i] = Insn.of(0x27, 0, 0, 0, 31);
            insns[last + 2 * i + 1] = Insn.of(0xaf, 0, NUMBERS[i], 0, 0);
        }
        insns[end - 1] = Insn.of(Insn.EXIT_INSN, 0, 0, 0, 0);
    }

    private long insn(int at, int last, int callee) {
        int size = one(SIZES);
        int bytes = Insn.size(size);
        int offset = random.nextInt(SIZE - bytes + 1);
        boolean x = random.nextBoolean();
        return switch (random.nextInt(16)) {
            case 0, 1 -> Insn.of(Insn.LDX | size | Insn.MEM, number(), PACKET, offset, 0);
            case 2 -> Insn.of(Insn.STX | size | Insn.MEM, PACKET, number(), offset, 0);
            case 3 -> Insn.of(Insn.LDX | size | Insn.MEM, number(), Insn.FP, offset - SIZE, 0);
            case 4 -> Insn.of(Insn.STX | size | Insn.MEM, Insn.FP, number(), offset - SIZE, 0);
            case 5 -> Insn.of((x ? Insn.JMP : Insn.JMP32) | one(JUMPS), number(), 0,
                    random.nextInt(Math.min(random.nextInt(8) == 0 ? FAR : 12, last - at)),
                    random.nextInt(-2, 3));
            case 6 -> callee < 0 || random.nextInt(20) > 0 ? Insn.of(0xbf, number(), number(), 0, 0)
                    : Insn.of(Insn.CALL_INSN, 0, 1, 0, callee - at - 1);
            default -> Insn.of((random.nextBoolean() ? Insn.ALU64 : Insn.ALU) | one(ARITHMETIC)
                    | (x ? Insn.X : 0), number(), x ? number() : 0, 0, x ? 0 : random.nextInt(1, 30));
        };
    }

    private int number() {
        return one(NUMBERS);
    }

    private int one(int[] choices) {
        return choices[random.nextInt(choices.length)];
    }
}
