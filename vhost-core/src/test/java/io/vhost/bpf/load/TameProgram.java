package io.vhost.bpf.load;

import io.vhost.bpf.insn.Insn;
import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Programs that the kernel takes: numbers in all registers but two, one of which points to the packet and one
 * to a map's value; every operation of RFC 9669 on them, jumps forward only.
 */
final class TameProgram {
    /** Bytes of the packet and of the map's value that programs use. */
    static final int SIZE = 64;

    private static final int VALUE = 6;
    private static final int PACKET = 7;
    private static final int[] NUMBERS = {0, 1, 2, 3, 4, 5, 8, 9};
    private static final int[] ARITHMETIC = {Insn.ADD, Insn.SUB, Insn.MUL, Insn.DIV, Insn.OR, Insn.AND,
        Insn.LSH, Insn.RSH, Insn.NEG, Insn.MOD, Insn.XOR, Insn.MOV, Insn.ARSH, Insn.END};
    private static final int[] JUMPS = {Insn.JEQ, Insn.JGT, Insn.JGE, Insn.JSET, Insn.JNE, Insn.JSGT,
        Insn.JSGE, Insn.JLT, Insn.JLE, Insn.JSLT, Insn.JSLE};
    private static final int[] ATOMICS = {Insn.ADD, Insn.ADD | 1, Insn.OR, Insn.OR | 1, Insn.AND,
        Insn.AND | 1, Insn.XOR, Insn.XOR | 1, Insn.XCHG, Insn.CMPXCHG};
    private static final int[] SIZES = {0x00, 0x08, 0x10, 0x18};
    private static final int[] EDGES = {0, 1, -1, Integer.MIN_VALUE, Integer.MAX_VALUE, 31, 32, 63, 64, 255};

    private final SplittableRandom random;
    private final long[] insns = new long[256];
    private int length;

    TameProgram(SplittableRandom random) {
        this.random = random;
    }

    /** A program; {@code map} is the immediate that stands for the map. */
    long[] next(int map) {
        length = 0;
        int body = 10 + random.nextInt(50);
        add(Insn.of(0x61, 2, 1, 0, 0));
        add(Insn.of(0x61, 3, 1, 4, 0));
        add(Insn.of(0xbf, 4, 2, 0, 0));
        add(Insn.of(0x07, 4, 0, 0, SIZE));
        add(Insn.of(0xb7, 0, 0, 0, 0));
        add(Insn.of(0xbd, 4, 3, 1, 0));
        add(Insn.of(Insn.EXIT_INSN, 0, 0, 0, 0));
        add(Insn.of(0xbf, PACKET, 2, 0, 0));
        add(Insn.of(Insn.LDDW, VALUE, Insn.LDDW_MAP_VALUE, 0, map));
        add(0);
        for (int register : NUMBERS) {
            begin(register);
        }
        for (int slot = 1; slot <= SIZE / Insn.BYTES; slot++) {
            add(Insn.of(0x7b, Insn.FP, number(), -Insn.BYTES * slot, 0));
        }
        int start = length;
        for (int i = 0; i < body; i++) {
            add(insn(start + body - length));
        }
        for (int register : NUMBERS) {
            if (register != 0) {
                add(Insn.of(0x27, 0, 0, 0, 31));
                add(Insn.of(0xaf, 0, register, 0, 0));
            }
        }
        add(Insn.of(0xbf, 1, 0, 0, 0));
        add(Insn.of(0x77, 1, 0, 0, 32));
        add(Insn.of(0xaf, 0, 1, 0, 0));
        add(Insn.of(Insn.EXIT_INSN, 0, 0, 0, 0));
        return Arrays.copyOf(insns, length);
    }

    private void begin(int register) {
        switch (random.nextInt(3)) {
            case 0 -> add(Insn.of(0x79, register, PACKET, random.nextInt(SIZE - 7), 0));
            case 1 -> add(Insn.of(0xb7, register, 0, 0, immediate()));
            default -> {
                long wide = random.nextLong();
                add(Insn.of(Insn.LDDW, register, 0, 0, (int) wide));
                add(Insn.of(0, 0, 0, 0, (int) (wide >>> 32)));
            }
        }
    }

    private long insn(int left) {
        return switch (random.nextInt(10)) {
            case 0, 1, 2, 3 -> arithmetic();
            case 4 -> load();
            case 5 -> store();
            case 6 -> atomic();
            case 7, 8 -> jump(left);
            default -> Insn.of(0xbf, number(), number(), 0, 0);
        };
    }

    private long arithmetic() {
        int operation = one(ARITHMETIC);
        boolean wide = random.nextBoolean();
        int kind = wide ? Insn.ALU64 : Insn.ALU;
        boolean x = random.nextBoolean();
        return switch (operation) {
            case Insn.NEG -> Insn.of(kind | operation, number(), 0, 0, 0);
            case Insn.END -> Insn.of(kind | operation | (!wide && x ? Insn.X : 0), number(), 0, 0,
                    16 << random.nextInt(3));
            case Insn.DIV, Insn.MOD -> x ? Insn.of(kind | operation | Insn.X, number(), number(),
                    random.nextInt(2), 0)
                    : Insn.of(kind | operation, number(), 0, random.nextInt(2), immediate() | 1);
            case Insn.LSH, Insn.RSH, Insn.ARSH -> x
                    ? Insn.of(kind | operation | Insn.X, number(), number(), 0, 0)
                    : Insn.of(kind | operation, number(), 0, 0, random.nextInt(wide ? 64 : 32));
            case Insn.MOV -> x ? Insn.of(kind | operation | Insn.X, number(), number(),
                    random.nextBoolean() ? 0 : 8 << random.nextInt(wide ? 3 : 2), 0)
                    : Insn.of(kind | operation, number(), 0, 0, immediate());
            default -> x ? Insn.of(kind | operation | Insn.X, number(), number(), 0, 0)
                    : Insn.of(kind | operation, number(), 0, 0, immediate());
        };
    }

    private long load() {
        boolean signed = random.nextInt(3) == 0;
        int opcode = Insn.LDX | (signed ? SIZES[random.nextInt(3)] | Insn.MEMSX : one(SIZES) | Insn.MEM);
        int base = base();
        return Insn.of(opcode, number(), base, offset(base, Insn.size(opcode)), 0);
    }

    private long store() {
        int size = one(SIZES);
        int base = base();
        int offset = offset(base, Insn.size(size));
        return random.nextBoolean() ? Insn.of(Insn.STX | size | Insn.MEM, base, number(), offset, 0)
                : Insn.of(Insn.ST | size | Insn.MEM, base, 0, offset, immediate());
    }

    private long atomic() {
        boolean wide = random.nextBoolean();
        int base = random.nextBoolean() ? VALUE : Insn.FP;
        int size = wide ? 8 : 4;
        int offset = random.nextInt(SIZE / size) * size - (base == Insn.FP ? SIZE : 0);
        // Linux 6.18.44 does not follow what these fetch from the stack when it compares states: it took
        // jumps behind them for dead that are not, and removed what is there.
        int operation = base == Insn.FP ? ATOMICS[2 * random.nextInt(4)] : one(ATOMICS);
        return Insn.of(Insn.STX | Insn.ATOMIC | (wide ? 0x18 : 0), base, number(), offset, operation);
    }

    private long jump(int left) {
        int kind = random.nextBoolean() ? Insn.JMP : Insn.JMP32;
        boolean x = random.nextBoolean();
        return Insn.of(kind | one(JUMPS) | (x ? Insn.X : 0), number(), x ? number() : 0,
                random.nextInt(Math.min(left, 8)), x ? 0 : immediate());
    }

    private int base() {
        return switch (random.nextInt(3)) {
            case 0 -> PACKET;
            case 1 -> VALUE;
            default -> Insn.FP;
        };
    }

    /** The kernel wants aligned accesses to the stack, elsewhere they may be anywhere. */
    private int offset(int base, int size) {
        return base == Insn.FP ? -SIZE + random.nextInt(SIZE / size) * size : random.nextInt(SIZE - size + 1);
    }

    private int number() {
        return one(NUMBERS);
    }

    private int immediate() {
        return random.nextBoolean() ? one(EDGES) : random.nextInt();
    }

    private int one(int[] choices) {
        return choices[random.nextInt(choices.length)];
    }

    private void add(long insn) {
        insns[length++] = insn;
    }
}
