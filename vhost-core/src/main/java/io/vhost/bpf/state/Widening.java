package io.vhost.bpf.state;

import io.vhost.bpf.insn.Insn;

/** What is left of a state when numbers are given up that are not what they were. Thread: stateless. */
public final class Widening {
    private Widening() {
    }

    /** A copy of {@code now} in which numbers that {@code before} does not cover are any numbers. */
    public static State of(State before, State now) {
        State wide = now.copy();
        if (before.depth() != now.depth()) {
            return wide;
        }
        for (int i = 0; i < now.depth(); i++) {
            Frame old = before.frame(i);
            Frame frame = wide.changedFrame(i);
            for (int register = 0; register < Insn.FP; register++) {
                if (differ(old.reg(register), frame.reg(register))) {
                    frame.reg(register, Reg.UNKNOWN);
                }
            }
            for (int slot = 0; slot < StackMemory.SLOTS; slot++) {
                Reg spilled = frame.stack().spilled(slot);
                if (spilled != null && frame.stack().spilledSize(slot) == 8
                        && differ(old.stack().spilled(slot), spilled)) {
                    frame.changedStack().spilled(slot, Reg.UNKNOWN);
                } else if (spilled != null && spilled.isNumber()
                        && differ(old.stack().spilled(slot), spilled)) {
                    int size = frame.stack().spilledSize(slot);
                    frame.changedStack().store(-8 * (slot + 1), Math.max(1, size), false);
                }
            }
        }
        return wide;
    }

    private static boolean differ(Reg old, Reg now) {
        return old != null && old.isNumber() && now.isNumber()
                && (!old.number().contains(now.number()) || (old.id() != 0 && now.id() == 0));
    }
}
