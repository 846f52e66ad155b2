package io.vhost.bpf.jit;

import io.vhost.bpf.flow.AccessRegions;
import io.vhost.bpf.flow.Region;
import io.vhost.bpf.insn.Code;
import io.vhost.bpf.insn.Insn;
import java.util.Arrays;
import java.util.BitSet;

/**
 * Loads and stores of one function, or of a part of one, that have the same base and come one behind the
 * other without a jump or a call in between: either all of them are run or the program faults. So one check
 * of the bytes from the first to the last is enough for all. One object, one method.
 */
final class Groups {
    /** Fewer are checked one by one. */
    private static final int MIN_ACCESSES = 2;
    /**
     * Groups begin among the first accesses of a function. HotSpot inlines no more ordinary methods where it
     * has inlined much already, and a slice that is made by a call is an object.
     */
    private static final int LAST_BEGIN = 30;

    /** Accesses with the same base. */
    static final class Group {
        private final int first;
        private final int register;
        private final int region;
        private int accesses;
        private int from = Integer.MAX_VALUE;
        private int to = Integer.MIN_VALUE;

        private Group(int first, int register, int region) {
            this.first = first;
            this.register = register;
            this.region = region;
        }

        private void add(int off, int size) {
            accesses++;
            from = Math.min(from, off);
            to = Math.max(to, off + size);
        }

        /** Whether this instruction is the first of the group. */
        boolean beginsAt(int at) {
            return first == at;
        }

        /** The register with the base. */
        int register() {
            return register;
        }

        /** The region that all of them access. */
        int region() {
            return region;
        }

        /** The lowest offset from the base. */
        int from() {
            return from;
        }

        /** Bytes from the lowest offset to the end of the highest access. */
        int length() {
            return to - from;
        }
    }

    private final Code code;
    private final AccessRegions regions;
    private final int start;
    private final Group[] byInsn;
    private final Group[] open = new Group[Insn.FP];
    private int accesses;

    /** Looks at the instructions from {@code start} to before {@code end}. */
    Groups(Code code, AccessRegions regions, int start, int end) {
        this.code = code;
        this.regions = regions;
        this.start = start;
        this.byInsn = new Group[end - start];
        find(end);
    }

    /** The group of a load or store, or null if it is alone. */
    Group of(int at) {
        Group group = byInsn[at - start];
        return group != null && group.accesses >= MIN_ACCESSES ? group : null;
    }

    /** Jumps from other parts are seen as well: they may lead anywhere in this one. */
    private void find(int end) {
        BitSet heads = new BitSet();
        for (int at = 0; at < code.length(); at += width(at)) {
            if (Insn.isJump(code.insn(at))) {
                heads.set(at + 1 + Insn.distance(code.insn(at)));
            }
        }
        for (int at = start; at < end; at += width(at)) {
            if (heads.get(at)) {
                close();
            }
            follow(at, code.insn(at));
        }
    }

    private int width(int at) {
        return Insn.opcode(code.insn(at)) == Insn.LDDW ? 2 : 1;
    }

    private void follow(int at, long insn) {
        switch (Insn.kind(insn)) {
            case Insn.LDX -> {
                access(at, Insn.src(insn), insn);
                written(Insn.dst(insn));
            }
            case Insn.ST -> access(at, Insn.dst(insn), insn);
            case Insn.STX -> {
                if (Insn.mode(insn) == Insn.MEM) {
                    access(at, Insn.dst(insn), insn);
                } else {
                    written(Insn.imm(insn) == Insn.CMPXCHG ? 0 : Insn.src(insn));
                }
            }
            case Insn.LD, Insn.ALU, Insn.ALU64 -> written(Insn.dst(insn));
            default -> close();
        }
    }

    private void access(int at, int register, long insn) {
        int region = regions.region(at);
        accesses++;
        boolean begins = register < Insn.FP
                && (open[register] == null || open[register].region != region);
        // The context is small and read once or twice: a slice would cost more than its checks.
        if (register == Insn.FP || region == Region.ANY || region == Region.CONTEXT
                || (begins && accesses > LAST_BEGIN)) {
            return;
        }
        if (begins) {
            open[register] = new Group(at, register, region);
        }
        open[register].add(Insn.off(insn), Insn.size(insn));
        byInsn[at - start] = open[register];
    }

    private void written(int register) {
        open[register] = null;
    }

    private void close() {
        Arrays.fill(open, null);
    }
}
