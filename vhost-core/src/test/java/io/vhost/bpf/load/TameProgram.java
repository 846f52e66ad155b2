package io.vhost.bpf.load;

import io.vhost.bpf.insn.Insn;
import io.vhost.bpf.run.ContextLayout;
import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Programs that the kernel takes: numbers in all registers but two, one of which points to the packet and one
 * to a map's value; every operation of RFC 9669 on them, jumps forward only. Those of tc have the context in
 * one more register, and load and store what they may of it.
 */
final class TameProgram {
    /** Bytes of the packet and of the map's value that programs use. */
    static final int SIZE = 64;

    private static final int VALUE = 6;
    private static final int PACKET = 7;
    private static final int CONTEXT = 9;
    private static final int[] NUMBERS = {0, 1, 2, 3, 4, 5, 8, 9};
    private static final int[] NUMBERS_OF_TC = {0, 1, 2, 3, 4, 5, 8};
    // Offsets in struct __sk_buff.
    private static final int TSTAMP = 152;
    private static final int TSTAMP_TYPE = 180;
    private static final int HWTSTAMP = 184;
    private static final int CB = 48;
    private static final int CB_SIZE = 20;
    private static final int[] LOADED = {0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 56, 64, 68, 72, 84,
        160, 164, 176};
    private static final int[] WHOLE = {0, 8, 32, 36, 40, 48, 56, 64};
    private static final int[] STORED = {8, 12, 32, 44, 72};
    private static final int[] ARITHMETIC = {Insn.ADD, Insn.SUB, Insn.MUL, Insn.DIV, Insn.OR, Insn.AND,
        Insn.LSH, Insn.RSH, Insn.NEG, Insn.MOD, Insn.XOR, Insn.MOV, Insn.ARSH, Insn.END};
    private static final int[] JUMPS = {Insn.JEQ, Insn.JGT, Insn.JGE, Insn.JSET, Insn.JNE, Insn.JSGT,
        Insn.JSGE, Insn.JLT, Insn.JLE, Insn.JSLT, Insn.JSLE};
    private static final int[] ATOMICS = {Insn.ADD, Insn.ADD | 1, Insn.OR, Insn.OR | 1, Insn.AND,
        Insn.AND | 1, Insn.XOR, Insn.XOR | 1, Insn.XCHG, Insn.CMPXCHG};
    private static final int[] SIZES = {0x00, 0x08, 0x10, 0x18};
    private static final int[] EDGES = {0, 1, -1, Integer.MIN_VALUE, Integer.MAX_VALUE, 31, 32, 63, 64, 255};

    private final SplittableRandom random;
    private final boolean tc;
    private final int[] numbers;
    private final long[] insns = new long[256];
    private int length;

    TameProgram(SplittableRandom random, ContextLayout layout) {
        this.random = random;
        tc = layout.equals(ContextLayout.SKB);
        numbers = tc ? NUMBERS_OF_TC : NUMBERS;
    }

    /** A program; {@code map} is the immediate that stands for the map. */
    long[] next(int map) {
        length = 0;
        int body = 10 + random.nextInt(50);
        ContextLayout layout = tc ? ContextLayout.SKB : ContextLayout.XDP;
        add(Insn.of(0x61, 2, 1, layout.data(), 0));
        add(Insn.of(0x61, 3, 1, layout.dataEnd(), 0));
        if (tc) {
            add(Insn.of(0xbf, CONTEXT, 1, 0, 0));
        }
        add(Insn.of(0xbf, 4, 2, 0, 0));
        add(Insn.of(0x07, 4, 0, 0, SIZE));
        add(Insn.of(0xb7, 0, 0, 0, 0));
        add(Insn.of(0xbd, 4, 3, 1, 0));
        add(Insn.of(Insn.EXIT_INSN, 0, 0, 0, 0));
        add(Insn.of(0xbf, PACKET, 2, 0, 0));
        add(Insn.of(Insn.LDDW, VALUE, Insn.LDDW_MAP_VALUE, 0, map));
        add(0);
        for (int register : numbers) {
            begin(register);
        }
        for (int slot = 1; slot <= SIZE / Insn.BYTES; slot++) {
            add(Insn.of(0x7b, Insn.FP, number(), -Insn.BYTES * slot, 0));
        }
        int start = length;
        for (int i = 0; i < body; i++) {
            add(insn(start + body - length));
        }
        for (int register : numbers) {
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
        return switch (random.nextInt(tc ? 12 : 10)) {
            case 0, 1, 2, 3 -> arithmetic();
            case 4 -> load();
            case 5 -> store();
            case 6 -> atomic();
            case 7, 8 -> jump(left);
            case 10 -> loadContext();
            case 11 -> storeContext();
            default -> Insn.of(0xbf, number(), number(), 0, 0);
        };
    }

    /** Whole fields, and parts of those of four bytes. */
    private long loadContext() {
        int size = random.nextInt(4);
        int opcode = Insn.LDX | Insn.MEM;
        return switch (size) {
            case 3 -> switch (random.nextInt(4)) {
                case 0 -> Insn.of(opcode | 0x18, number(), CONTEXT, TSTAMP, 0);
                case 1 -> Insn.of(opcode | 0x18, number(), CONTEXT, HWTSTAMP, 0);
                case 2 -> Insn.of(opcode | 0x10, number(), CONTEXT, TSTAMP_TYPE, 0);
                default -> Insn.of(opcode | 0x18, number(), CONTEXT, CB + 8 * random.nextInt(2), 0);
            };
            case 2 -> Insn.of(opcode, number(), CONTEXT, one(LOADED), 0);
            // Linux 6.18.44 answers with the lower half where the upper one is asked for of a field that it
            // keeps in two bytes; there is none but zero.
            default -> random.nextBoolean()
                    ? Insn.of(opcode | 0x10, number(), CONTEXT, one(LOADED) + random.nextInt(4), 0)
                    : Insn.of(opcode | 0x08, number(), CONTEXT, random.nextBoolean() ? one(LOADED)
                            : one(WHOLE) + 2, 0);
        };
    }

    private long storeContext() {
        boolean x = random.nextInt(3) > 0;
        int opcode = (x ? Insn.STX : Insn.ST) | Insn.MEM;
        int src = x ? number() : 0;
        int imm = x ? 0 : immediate();
        if (random.nextBoolean()) {
            return Insn.of(opcode, CONTEXT, src, one(STORED), imm);
        }
        if (random.nextInt(4) == 0) {
            return Insn.of(opcode | 0x18, CONTEXT, src, TSTAMP, imm);
        }
        int which = one(SIZES);
        int size = Insn.size(which);
        return Insn.of(opcode | which, CONTEXT, src, CB + size * random.nextInt(CB_SIZE / size), imm);
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
        return one(numbers);
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
