package io.vhost.bpf.state;

import io.vhost.bpf.insn.Insn;
import java.util.Arrays;
import java.util.function.UnaryOperator;

/** A function that was called: its registers and its stack. Copies share the stack until it is changed. */
public final class Frame {
    private static final int REGISTERS = 11;

    private final int function;
    private final int callSite;
    private final boolean callback;
    private final Reg[] regs;
    private StackMemory stack;
    private boolean stackIsShared;

    private Frame(int function, int callSite, boolean callback, Reg[] regs, StackMemory stack,
            boolean stackIsShared) {
        this.function = function;
        this.callSite = callSite;
        this.callback = callback;
        this.regs = regs;
        this.stack = stack;
        this.stackIsShared = stackIsShared;
    }

    /**
     * A function begins.
     *
     * @param callSite the call instruction, or -1
     * @param callback whether a helper calls it
     * @param number   which frame it is, from 0
     */
    public Frame(int function, int callSite, boolean callback, int number) {
        this(function, callSite, callback, new Reg[REGISTERS], new StackMemory(), false);
        Arrays.fill(regs, Reg.NOTHING);
        regs[Insn.FP] = Reg.address(RegKind.STACK, number);
    }

    Frame copy() {
        stackIsShared = true;
        return new Frame(function, callSite, callback, regs.clone(), stack, true);
    }

    /** Number of the function. */
    public int function() {
        return function;
    }

    /** The instruction that called it, or -1. */
    public int callSite() {
        return callSite;
    }

    /** Whether a helper called it. */
    public boolean isCallback() {
        return callback;
    }

    /** A register. */
    public Reg reg(int number) {
        return regs[number];
    }

    /** Sets a register. */
    public void reg(int number, Reg reg) {
        regs[number] = reg;
    }

    /** Its stack, to look at. */
    public StackMemory stack() {
        return stack;
    }

    /** Its stack, to change. */
    public StackMemory changedStack() {
        if (stackIsShared) {
            stack = stack.copy();
            stackIsShared = false;
        }
        return stack;
    }

    /** Changes all registers, also those that were spilled. */
    void update(UnaryOperator<Reg> change) {
        for (int i = 0; i < Insn.FP; i++) {
            regs[i] = change.apply(regs[i]);
        }
        for (int slot = 0; slot < StackMemory.SLOTS; slot++) {
            Reg spilled = stack.spilled(slot);
            if (spilled != null) {
                Reg changed = change.apply(spilled);
                if (!changed.equals(spilled)) {
                    changedStack().spilled(slot, changed);
                }
            }
        }
    }
}
