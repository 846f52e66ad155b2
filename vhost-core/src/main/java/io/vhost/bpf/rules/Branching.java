package io.vhost.bpf.rules;

import io.vhost.bpf.insn.Insn;
import io.vhost.bpf.range.Comparison;
import io.vhost.bpf.range.Scalar;
import io.vhost.bpf.range.ScalarMath;
import io.vhost.bpf.state.Reg;
import io.vhost.bpf.state.RegKind;
import io.vhost.bpf.state.State;

/** Conditional jumps: what is known on both ways. Thread: stateless. */
public final class Branching {
    /**
     * The states behind a jump.
     *
     * @param taken   where it jumped, or null if it cannot
     * @param through where it did not, or null
     */
    public record Ways(State taken, State through) {
    }

    private Branching() {
    }

    /** Follows a jump. */
    public static Ways run(Site site) {
        long insn = site.insn();
        int dst = Insn.dst(insn);
        Reg left = site.read(dst);
        Reg right = Insn.isX(insn) ? site.read(Insn.src(insn)) : Reg.constant(Insn.imm(insn));
        boolean wide = Insn.kind(insn) == Insn.JMP;
        if (left.isNumber() && right.isNumber()) {
            return new Ways(numbers(site, insn, wide, true, left, right),
                    numbers(site, insn, wide, false, left, right));
        }
        int operation = Insn.operation(insn);
        if (wide && right.isZero() && (operation == Insn.JEQ || operation == Insn.JNE)) {
            return withNull(site, left, operation == Insn.JEQ);
        }
        State taken = site.state.copy();
        State through = site.state.copy();
        if (wide && Insn.isX(insn)) {
            PacketRanges.learn(insn, left, right, taken, through);
        }
        return new Ways(taken, through);
    }

    private static State numbers(Site site, long insn, boolean wide, boolean taken, Reg left, Reg right) {
        Comparison.Pair pair = Comparison.refine(Insn.operation(insn), wide, taken, left.number(),
                right.number());
        if (pair == null) {
            return null;
        }
        State state = site.state.copy();
        learn(state, Insn.dst(insn), left, pair.a());
        if (Insn.isX(insn) && Insn.src(insn) != Insn.dst(insn)) {
            learn(state, Insn.src(insn), right, pair.b());
        }
        return state;
    }

    /** Whatever is the same number, or a constant away from it, is known as well. */
    private static void learn(State state, int register, Reg before, Scalar number) {
        Reg now = state.reg(register);
        // A link to the other operand may have told it already.
        if (now.number().equals(before.number())) {
            state.reg(register, now.withNumber(number));
        }
        if (before.id() == 0 || number.equals(before.number())) {
            return;
        }
        state.update(reg -> {
            if (!reg.isNumber() || reg.id() != before.id()) {
                return reg;
            }
            long distance = (long) reg.off() - before.off();
            return reg.withNumber(distance == 0 ? number
                    : ScalarMath.apply(Insn.ADD, true, false, number, Scalar.of(distance)));
        });
    }

    private static Ways withNull(Site site, Reg pointer, boolean equal) {
        if (!pointer.orNull()) {
            boolean known = pointer.kind() == RegKind.MAP_VALUE || pointer.kind() == RegKind.RECORD
                    || pointer.kind() == RegKind.MAP || pointer.kind() == RegKind.STACK;
            return new Ways(known && equal ? null : site.state.copy(),
                    known && !equal ? null : site.state.copy());
        }
        State isNull = site.state.copy();
        State isNot = site.state.copy();
        int id = pointer.id();
        if (pointer.kind() == RegKind.RECORD) {
            isNull.release(id);
        }
        isNull.update(reg -> reg.orNull() && reg.id() == id ? Reg.constant(0) : reg);
        isNot.update(reg -> reg.orNull() && reg.id() == id ? reg.notNull() : reg);
        return equal ? new Ways(isNull, isNot) : new Ways(isNot, isNull);
    }
}
