package io.vhost.bpf.flow;

import io.vhost.bpf.insn.Code;
import io.vhost.bpf.insn.Insn;
import io.vhost.bpf.run.Image;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Deque;

/**
 * Follows registers through all functions of a program, until nothing new is learnt. One object, one program.
 */
final class Follower {
    private static final int ARGUMENTS = 5;

    private final Image image;
    private final Code code;
    private final Step step;
    private final int[][] arguments;
    private final int[] results;
    private final BitSet heads = new BitSet();
    private final Kinds[] states;
    private final Deque<Integer> pending = new ArrayDeque<>();
    private boolean changed;

    Follower(Image image, int[] regions, int[] maps) {
        this.image = image;
        this.code = image.code();
        this.step = new Step(image, regions, maps);
        this.arguments = new int[code.functions()][ARGUMENTS];
        this.results = new int[code.functions()];
        this.states = new Kinds[code.length()];
    }

    void follow() {
        findHeads();
        arguments[0][0] = image.context().size() > 0 || image.context().data() >= 0
                ? Kinds.CONTEXT : Kinds.ANYTHING;
        do {
            changed = false;
            for (int function = 0; function < code.functions(); function++) {
                walk(function);
            }
        } while (changed);
    }

    /** Where ways meet; and functions whose address is taken, which anybody may call with anything. */
    private void findHeads() {
        for (int at = 0; at < code.length(); at++) {
            long insn = code.insn(at);
            if (Insn.isJump(insn)) {
                heads.set(at + 1 + Insn.distance(insn));
            }
            if (Insn.opcode(insn) == Insn.LDDW) {
                if (Insn.src(insn) == Insn.LDDW_FUNCTION) {
                    Arrays.fill(arguments[code.target(at)], Kinds.ANYTHING);
                }
                at++;
            }
        }
    }

    private void walk(int function) {
        flow(code.start(function), Kinds.entry(arguments[function]));
        while (!pending.isEmpty()) {
            int head = pending.pop();
            run(function, head, states[head].copy());
        }
    }

    private void flow(int to, Kinds kinds) {
        if (states[to] == null) {
            states[to] = kinds.copy();
        } else if (!states[to].merge(kinds)) {
            return;
        }
        changed = true;
        pending.push(to);
    }

    private void run(int function, int head, Kinds kinds) {
        int at = head;
        while (true) {
            if (at != head && heads.get(at)) {
                flow(at, kinds);
                return;
            }
            long insn = code.insn(at);
            if (Insn.opcode(insn) == Insn.EXIT_INSN) {
                result(function, kinds.get(0));
                return;
            }
            if (Insn.isJump(insn)) {
                flow(at + 1 + Insn.distance(insn), kinds);
                if (Insn.isGoto(insn)) {
                    return;
                }
            } else if (Insn.opcode(insn) == Insn.CALL_INSN && Insn.src(insn) == Insn.CALL_LOCAL) {
                call(code.target(at), kinds);
            } else {
                step.run(at, insn, kinds);
            }
            at += Insn.opcode(insn) == Insn.LDDW ? 2 : 1;
        }
    }

    private void result(int function, int kind) {
        int merged = Kinds.merge(results[function], outside(kind));
        changed |= merged != results[function];
        results[function] = merged;
    }

    private void call(int callee, Kinds kinds) {
        boolean frame = false;
        for (int i = 0; i < ARGUMENTS; i++) {
            int given = outside(kinds.get(1 + i));
            int merged = Kinds.merge(arguments[callee][i], given);
            changed |= merged != arguments[callee][i];
            arguments[callee][i] = merged;
            frame |= given == Kinds.STACK || given == Kinds.ANYTHING;
        }
        if (frame) {
            kinds.forgetSlots();
        }
        kinds.set(0, results[callee]);
    }

    /** Offsets in a frame mean nothing in another. */
    private static int outside(int kind) {
        return Kinds.what(kind) == Kinds.FRAME ? Kinds.STACK : kind;
    }
}
