package io.vhost.bpf.verify;

import io.vhost.bpf.insn.Code;
import io.vhost.bpf.insn.Insn;
import java.util.ArrayDeque;
import java.util.BitSet;
import java.util.Deque;

/** Where ways meet, and whether every instruction is on one. One object, one program. */
final class CodeGraph {
    private static final int LOOP = 181;

    private final Code code;
    private final BitSet seen = new BitSet();
    private final BitSet meets = new BitSet();
    private final Deque<Integer> pending = new ArrayDeque<>();

    CodeGraph(Code code) {
        this.code = code;
    }

    /** The places where states are kept: where jumps go to, and calls that call back. */
    BitSet check() {
        visit(0);
        while (!pending.isEmpty()) {
            follow(pending.pop());
        }
        int missing = seen.nextClearBit(0);
        if (missing < code.length()) {
            throw new Unreachable(missing);
        }
        return meets;
    }

    private void visit(int at) {
        if (!seen.get(at)) {
            seen.set(at);
            pending.push(at);
        }
    }

    private void follow(int at) {
        long insn = code.insn(at);
        if (Insn.opcode(insn) == Insn.EXIT_INSN) {
            return;
        }
        if (Insn.isJump(insn)) {
            int target = at + 1 + Insn.distance(insn);
            meets.set(target);
            visit(target);
            if (!Insn.isGoto(insn)) {
                visit(at + 1);
            }
            return;
        }
        boolean wide = Insn.opcode(insn) == Insn.LDDW;
        boolean call = Insn.opcode(insn) == Insn.CALL_INSN;
        if ((wide && Insn.src(insn) == Insn.LDDW_FUNCTION) || (call && Insn.src(insn) == Insn.CALL_LOCAL)) {
            int function = code.start(code.target(at));
            meets.set(function);
            visit(function);
        }
        if (callsBack(insn)) {
            meets.set(at);
        }
        if (wide) {
            seen.set(at + 1);
        }
        visit(at + (wide ? 2 : 1));
    }

    /** Whether it calls a helper that calls back. */
    static boolean callsBack(long insn) {
        return Insn.opcode(insn) == Insn.CALL_INSN && Insn.src(insn) == Insn.CALL_HELPER
                && Insn.imm(insn) == LOOP;
    }

    /** An instruction that no way leads to. */
    static final class Unreachable extends RuntimeException {
        private static final long serialVersionUID = 1L;
        private final int at;

        Unreachable(int at) {
            super("unreachable insn " + at, null, false, false);
            this.at = at;
        }

        int at() {
            return at;
        }
    }
}
