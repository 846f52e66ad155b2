package io.vhost.bpf.live;

import io.vhost.bpf.insn.Code;
import io.vhost.bpf.insn.Insn;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Deque;

/**
 * Which registers hold addresses in the stack, and where: for each load, store and call of a program. One
 * object, one program.
 */
final class FramePointers {
    /** No address in the stack. */
    static final int OTHER = 1;
    /** Perhaps an address in the stack, wherever. */
    static final int ANY = 2;

    private static final int UNSEEN = 3;
    private static final int REGISTERS = 11;
    private static final int SLOTS = 64;
    private static final int FRAME = 512;

    private final Code code;
    private final BitSet heads = new BitSet();
    private final int[][] states;
    private final int[][] arguments;
    private final int[] bases;
    private final int[][] passed;
    private final Deque<Integer> pending = new ArrayDeque<>();
    private boolean changed;

    FramePointers(Code code) {
        this.code = code;
        this.states = new int[code.length()][];
        this.arguments = new int[code.functions()][6];
        this.bases = new int[code.length()];
        this.passed = new int[code.length()][];
        Arrays.fill(bases, UNSEEN);
        for (int[] known : arguments) {
            Arrays.fill(known, UNSEEN);
        }
    }

    /** Where the base of a load or store points: an offset of at most 0 from the frame pointer, or else. */
    int base(int at) {
        return bases[at] == UNSEEN ? ANY : bases[at];
    }

    /** What a call passes in a register from 1 to 5. */
    int passed(int at, int register) {
        return passed[at] == null || passed[at][register] == UNSEEN ? ANY : passed[at][register];
    }

    void find() {
        Arrays.fill(arguments[0], OTHER);
        for (int at = 0; at < code.length(); at++) {
            long insn = code.insn(at);
            if (Insn.isJump(insn)) {
                heads.set(at + 1 + Insn.distance(insn));
            } else if (Insn.opcode(insn) == Insn.LDDW) {
                if (Insn.src(insn) == Insn.LDDW_FUNCTION) {
                    Arrays.fill(arguments[code.target(at)], ANY);
                }
                at++;
            }
        }
        do {
            changed = false;
            for (int function = 0; function < code.functions(); function++) {
                walk(function);
            }
        } while (changed);
    }

    private void walk(int function) {
        int[] entry = new int[REGISTERS + SLOTS];
        Arrays.fill(entry, OTHER);
        System.arraycopy(arguments[function], 1, entry, 1, 5);
        entry[Insn.FP] = 0;
        flow(code.start(function), entry);
        while (!pending.isEmpty()) {
            int head = pending.pop();
            run(head, states[head].clone());
        }
    }

    private void flow(int to, int[] kinds) {
        if (states[to] == null) {
            states[to] = kinds.clone();
        } else {
            boolean more = false;
            for (int i = 0; i < kinds.length; i++) {
                int merged = merge(states[to][i], kinds[i]);
                more |= merged != states[to][i];
                states[to][i] = merged;
            }
            if (!more) {
                return;
            }
        }
        changed = true;
        pending.push(to);
    }

    /** An address that is one in the stack on some ways only may be in a map's value on the others. */
    private static int merge(int one, int other) {
        return one == other || other == UNSEEN ? one : one == UNSEEN ? other : ANY;
    }

    private void run(int head, int[] kinds) {
        int at = head;
        while (at == head || !heads.get(at)) {
            long insn = code.insn(at);
            if (Insn.opcode(insn) == Insn.EXIT_INSN) {
                return;
            }
            if (Insn.isJump(insn)) {
                flow(at + 1 + Insn.distance(insn), kinds);
                if (Insn.isGoto(insn)) {
                    return;
                }
            } else {
                step(at, insn, kinds);
            }
            at += Insn.opcode(insn) == Insn.LDDW ? 2 : 1;
        }
        flow(at, kinds);
    }

    private void step(int at, long insn, int[] kinds) {
        int dst = Insn.dst(insn);
        int src = Insn.src(insn);
        switch (Insn.kind(insn)) {
            case Insn.LD -> kinds[dst] = OTHER;
            case Insn.LDX -> {
                bases[at] = merge(bases[at], kinds[src]);
                kinds[dst] = loaded(kinds, kinds[src], Insn.off(insn), Insn.size(insn));
            }
            case Insn.ST, Insn.STX -> store(at, insn, kinds);
            case Insn.ALU -> kinds[dst] = OTHER;
            case Insn.ALU64 -> kinds[dst] = arithmetic(insn, kinds[dst], Insn.isX(insn) ? kinds[src] : OTHER);
            default -> call(at, insn, kinds);
        }
    }

    private static int loaded(int[] kinds, int base, int off, int size) {
        if (base == OTHER || size < Insn.BYTES) {
            return OTHER;
        }
        int slot = slot(base, off);
        return slot < 0 ? ANY : kinds[REGISTERS + slot];
    }

    /** The slot of eight aligned bytes at a known place; else -1. */
    static int slot(int base, int off) {
        int offset = base + off;
        boolean known = base <= 0 && offset < 0 && offset >= -FRAME && (offset & 7) == 0;
        return known ? -offset / Insn.BYTES - 1 : -1;
    }

    private void store(int at, long insn, int[] kinds) {
        int base = kinds[Insn.dst(insn)];
        bases[at] = merge(bases[at], base);
        boolean memory = Insn.mode(insn) == Insn.MEM;
        int stored = Insn.kind(insn) == Insn.STX && memory && Insn.size(insn) == Insn.BYTES
                ? kinds[Insn.src(insn)] : OTHER;
        int slot = slot(base, Insn.off(insn));
        if (base == OTHER) {
            slot = -1;
        } else if (slot >= 0 && Insn.size(insn) == Insn.BYTES) {
            kinds[REGISTERS + slot] = stored;
        } else if (stored != OTHER) {
            Arrays.fill(kinds, REGISTERS, kinds.length, ANY);
        }
        if (!memory && Insn.imm(insn) == Insn.CMPXCHG) {
            kinds[0] = OTHER;
        } else if (!memory && (Insn.imm(insn) & Insn.FETCH) != 0) {
            kinds[Insn.src(insn)] = OTHER;
        }
    }

    private static int arithmetic(long insn, int dst, int src) {
        return switch (Insn.operation(insn)) {
            case Insn.MOV -> Insn.off(insn) == 0 ? src : OTHER;
            case Insn.ADD -> Insn.isX(insn) ? dst == OTHER && src == OTHER ? OTHER : ANY
                    : moved(dst, Insn.imm(insn));
            case Insn.SUB -> Insn.isX(insn) ? dst == OTHER ? OTHER : ANY : moved(dst, -(long) Insn.imm(insn));
            default -> OTHER;
        };
    }

    private static int moved(int kind, long distance) {
        if (kind > 0) {
            return kind;
        }
        long sum = kind + distance;
        return sum <= 0 && sum >= -FRAME ? (int) sum : ANY;
    }

    private void call(int at, long insn, int[] kinds) {
        if (passed[at] == null) {
            passed[at] = new int[6];
            Arrays.fill(passed[at], UNSEEN);
        }
        boolean shared = false;
        for (int i = 1; i <= 5; i++) {
            passed[at][i] = merge(passed[at][i], kinds[i]);
            shared |= kinds[i] != OTHER;
        }
        if (Insn.src(insn) == Insn.CALL_LOCAL) {
            int callee = code.target(at);
            for (int i = 1; i <= 5; i++) {
                int merged = merge(arguments[callee][i], kinds[i] == OTHER ? OTHER : ANY);
                changed |= merged != arguments[callee][i];
                arguments[callee][i] = merged;
            }
        }
        if (shared && (Insn.src(insn) == Insn.CALL_LOCAL || takesFunction(insn))) {
            Arrays.fill(kinds, REGISTERS, kinds.length, ANY);
        }
        // A callee returns an address in a frame only if it was given one, a helper never does.
        kinds[0] = shared && Insn.src(insn) == Insn.CALL_LOCAL ? ANY : OTHER;
        for (int i = 1; i <= 5; i++) {
            kinds[i] = OTHER;
        }
    }

    /** Whether a helper calls back. */
    static boolean takesFunction(long insn) {
        return Insn.imm(insn) == 181;
    }
}
