package io.vhost.bpf.jit;

import io.vhost.bpf.insn.Code;
import io.vhost.bpf.insn.Insn;
import io.vhost.bpf.insn.ProgramException;
import io.vhost.bpf.mem.Address;
import java.util.SplittableRandom;

/**
 * Well-formed programs that no verifier would take: registers hold anything, jumps go anywhere in their
 * function, addresses are made up or near the edges of regions.
 */
final class WildProgram {
    private static final int[] ARITHMETIC = {Insn.ADD, Insn.SUB, Insn.MUL, Insn.DIV, Insn.OR, Insn.AND,
        Insn.LSH, Insn.RSH, Insn.NEG, Insn.MOD, Insn.XOR, Insn.MOV, Insn.ARSH, Insn.END};
    private static final int[] JUMPS = {Insn.JEQ, Insn.JGT, Insn.JGE, Insn.JSET, Insn.JNE, Insn.JSGT,
        Insn.JSGE, Insn.JLT, Insn.JLE, Insn.JSLT, Insn.JSLE};
    private static final int[] ATOMICS = {Insn.ADD, Insn.ADD | 1, Insn.OR, Insn.OR | 1, Insn.AND,
        Insn.AND | 1, Insn.XOR, Insn.XOR | 1, Insn.XCHG, Insn.CMPXCHG};
    private static final int[] SIZES = {0x00, 0x08, 0x10, 0x18};
    private static final long[] NUMBERS = {0, 1, -1, Long.MIN_VALUE, Long.MAX_VALUE, Integer.MIN_VALUE,
        0xFFFFFFFFL, Address.CONTEXT, Address.PACKET, Address.STACK, Address.LAST_FP, Address.FIRST_FP,
        Address.CONTEXT - 1, Address.PACKET + 127, Address.PACKET + 128, Address.ofValues(0),
        Address.ofValues(1), Address.ofValues(2), Address.ofMap(0), Address.ofMap(9), Address.ofFunction(0)};

    /** As many accesses come together. */
    private static final int TOGETHER = 5;

    private final SplittableRandom random;
    private final int maps;
    private final int[] helpers;

    WildProgram(SplittableRandom random, int maps, int... helpers) {
        this.random = random;
        this.maps = maps;
        this.helpers = helpers;
    }

    /** One more program. */
    Code next() throws ProgramException {
        int functions = 1 + (random.nextInt(4) == 0 ? random.nextInt(3) : 0);
        int length = 6 + random.nextInt(40);
        long[] insns = new long[functions * length];
        for (int function = 0; function < functions; function++) {
            function(insns, function * length, length, functions);
        }
        return Code.of("wild", insns);
    }

    private void function(long[] insns, int start, int length, int functions) {
        int end = start + length;
        int at = start;
        while (at < end - 1) {
            if (random.nextInt(12) == 0 && at < end - 2 - TOGETHER) {
                at = together(insns, at);
            } else if (random.nextInt(5) == 0 && at < end - 2) {
                wide(insns, at);
                at += 2;
            } else {
                insns[at] = insn(start, at, end, functions, length);
                at++;
            }
        }
        insns[end - 1] = Insn.of(Insn.EXIT_INSN, 0, 0, 0, 0);
        for (int i = start; i < end; i++) {
            if (Insn.opcode(insns[i]) == Insn.LDDW) {
                i++;
            } else if (Insn.isJump(insns[i])) {
                insns[i] = repaired(insns, i);
            }
        }
    }

    /** An address in a region that is known, and accesses around it, some of them outside. */
    private int together(long[] insns, int start) {
        int at = start;
        int base = 2 + random.nextInt(8);
        int edge = 0;
        switch (random.nextInt(maps > 0 ? 4 : 3)) {
            case 0 -> insns[at++] = Insn.of(Insn.LDX | Insn.MEM, base, 1, 4 * random.nextInt(3), 0);
            case 1 -> insns[at++] = Insn.of(0xbf, base, 1, 0, 0);
            case 2 -> insns[at++] = Insn.of(0xbf, base, Insn.FP, 0, 0);
            default -> {
                edge = random.nextBoolean() ? 0 : 32;
                insns[at++] = Insn.of(Insn.LDDW, base, Insn.LDDW_MAP_VALUE, 0, random.nextInt(maps));
                insns[at++] = 0;
            }
        }
        for (int left = 2 + random.nextInt(TOGETHER - 1); left > 0; left--) {
            int off = random.nextInt(12) == 0 ? offset() : edge + random.nextInt(-24, 24);
            int other = 2 + random.nextInt(8);
            insns[at++] = switch (random.nextInt(3)) {
                case 0 -> Insn.of(Insn.LDX | one(SIZES) | Insn.MEM, other, base, off, 0);
                case 1 -> Insn.of(Insn.STX | one(SIZES) | Insn.MEM, base, other, off, 0);
                default -> Insn.of(Insn.ST | one(SIZES) | Insn.MEM, base, 0, off, random.nextInt());
            };
        }
        return at;
    }

    /** No jump goes between the halves of a wide instruction. */
    private static long repaired(long[] insns, int at) {
        int target = at + 1 + Insn.off(insns[at]);
        boolean half = target > 0 && Insn.opcode(insns[target - 1]) == Insn.LDDW && insns[target] << 32 == 0
                && Insn.opcode(insns[target]) == 0;
        return half ? Insn.of(Insn.opcode(insns[at]), Insn.dst(insns[at]), Insn.src(insns[at]),
                Insn.off(insns[at]) + 1, Insn.imm(insns[at])) : insns[at];
    }

    private void wide(long[] insns, int at) {
        int dst = register();
        if (maps > 0 && random.nextInt(3) == 0) {
            boolean value = random.nextBoolean();
            insns[at] = Insn.of(Insn.LDDW, dst, value ? Insn.LDDW_MAP_VALUE : Insn.LDDW_MAP, 0,
                    random.nextInt(maps));
            insns[at + 1] = Insn.of(0, 0, 0, 0, value ? random.nextInt(-9, 70) : 0);
            return;
        }
        long number = random.nextInt(4) == 0 ? random.nextLong() : one(NUMBERS) + random.nextInt(-2, 3);
        insns[at] = Insn.of(Insn.LDDW, dst, 0, 0, (int) number);
        insns[at + 1] = Insn.of(0, 0, 0, 0, (int) (number >>> 32));
    }

    private long insn(int start, int at, int end, int functions, int length) {
        return switch (random.nextInt(12)) {
            case 0, 1, 2, 3 -> arithmetic();
            case 4, 5 -> Insn.of(Insn.LDX | one(SIZES) | Insn.MEM, register(), base(), offset(), 0);
            case 6 -> Insn.of(Insn.LDX | SIZES[random.nextInt(3)] | Insn.MEMSX, register(), base(), offset(),
                    0);
            case 7 -> Insn.of(Insn.STX | one(SIZES) | Insn.MEM, base(), anyRegister(), offset(), 0);
            case 8 -> random.nextBoolean()
                    ? Insn.of(Insn.ST | one(SIZES) | Insn.MEM, base(), 0, offset(), random.nextInt())
                    : Insn.of(Insn.STX | Insn.ATOMIC | (random.nextBoolean() ? 0 : 0x18), base(),
                            register(), offset() & ~3, one(ATOMICS));
            case 9 -> call(at, functions, length);
            case 10 -> Insn.of(Insn.JMP | Insn.JA, 0, 0, distance(start, at, end), 0);
            default -> jump(start, at, end);
        };
    }

    private long arithmetic() {
        int operation = one(ARITHMETIC);
        int kind = random.nextBoolean() ? Insn.ALU : Insn.ALU64;
        boolean x = random.nextBoolean();
        int imm = random.nextInt(3) == 0 ? random.nextInt() : random.nextInt(-70, 70);
        return switch (operation) {
            case Insn.NEG -> Insn.of(kind | operation, register(), 0, 0, 0);
            case Insn.END -> Insn.of(kind | operation | (kind == Insn.ALU && x ? Insn.X : 0), register(), 0,
                    0, 16 << random.nextInt(3));
            case Insn.DIV, Insn.MOD -> x
                    ? Insn.of(kind | operation | Insn.X, register(), anyRegister(), random.nextInt(2), 0)
                    : Insn.of(kind | operation, register(), 0, random.nextInt(2), imm);
            case Insn.MOV -> x ? Insn.of(kind | operation | Insn.X, register(), anyRegister(),
                    random.nextInt(3) > 0 ? 0 : 8 << random.nextInt(kind == Insn.ALU ? 2 : 3), 0)
                    : Insn.of(kind | operation, register(), 0, 0, imm);
            default -> x ? Insn.of(kind | operation | Insn.X, register(), anyRegister(), 0, 0)
                    : Insn.of(kind | operation, register(), 0, 0, imm);
        };
    }

    private long jump(int start, int at, int end) {
        int kind = random.nextBoolean() ? Insn.JMP : Insn.JMP32;
        boolean x = random.nextBoolean();
        return Insn.of(kind | one(JUMPS) | (x ? Insn.X : 0), anyRegister(), x ? anyRegister() : 0,
                distance(start, at, end), x ? 0 : random.nextInt(-3, 4));
    }

    private long call(int at, int functions, int length) {
        if (functions > 1 && random.nextBoolean()) {
            return Insn.of(Insn.CALL_INSN, 0, Insn.CALL_LOCAL, 0,
                    length * (1 + random.nextInt(functions - 1)) - at - 1);
        }
        return helpers.length == 0 ? arithmetic()
                : Insn.of(Insn.CALL_INSN, 0, 0, 0, helpers[random.nextInt(helpers.length)]);
    }

    private int distance(int start, int at, int end) {
        int target = random.nextInt(4) == 0 ? random.nextInt(start, end) : random.nextInt(at + 1, end);
        return target - at - 1;
    }

    private int register() {
        return random.nextInt(10);
    }

    private int anyRegister() {
        return random.nextInt(11);
    }

    private int base() {
        return random.nextInt(3) == 0 ? Insn.FP : random.nextInt(10);
    }

    private int offset() {
        return switch (random.nextInt(6)) {
            case 0 -> random.nextInt(Short.MIN_VALUE, Short.MAX_VALUE + 1);
            case 1 -> -512 + random.nextInt(-9, 9);
            case 2 -> random.nextInt(-9, 9);
            default -> -8 * random.nextInt(9);
        };
    }

    private int one(int[] choices) {
        return choices[random.nextInt(choices.length)];
    }

    private long one(long[] choices) {
        return choices[random.nextInt(choices.length)];
    }
}
