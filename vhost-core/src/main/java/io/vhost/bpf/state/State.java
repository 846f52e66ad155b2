package io.vhost.bpf.state;

import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/** All that is known at one place on one way. A copy shares frames until they are changed. */
public final class State {
    /**
     * A record that was reserved and must be submitted or discarded.
     *
     * @param id its registers' id
     * @param at the instruction that reserved it
     */
    public record Obligation(int id, int at) {
    }

    private final List<Frame> frames = new ArrayList<>();
    private final List<Boolean> shared = new ArrayList<>();
    private List<Obligation> obligations = List.of();
    private Reg lock;

    /** Empty: push a frame. */
    public State() {
    }

    /** A copy. */
    public State copy() {
        State copy = new State();
        copy.frames.addAll(frames);
        for (int i = 0; i < frames.size(); i++) {
            shared.set(i, true);
            copy.shared.add(true);
        }
        copy.obligations = obligations;
        copy.lock = lock;
        return copy;
    }

    /** Number of frames. */
    public int depth() {
        return frames.size();
    }

    /** A frame to look at, from the outermost. */
    public Frame frame(int number) {
        return frames.get(number);
    }

    /** A frame to change. */
    public Frame changedFrame(int number) {
        if (shared.get(number)) {
            frames.set(number, frames.get(number).copy());
            shared.set(number, false);
        }
        return frames.get(number);
    }

    /** The frame of the function that runs, to look at. */
    public Frame top() {
        return frames.getLast();
    }

    /** A register of the function that runs. */
    public Reg reg(int number) {
        return frames.getLast().reg(number);
    }

    /** Sets a register of the function that runs. */
    public void reg(int number, Reg reg) {
        changedFrame(frames.size() - 1).reg(number, reg);
    }

    /** A function is called. */
    public void push(Frame frame) {
        frames.add(frame);
        shared.add(false);
    }

    /** It returns. */
    public void pop() {
        frames.removeLast();
        shared.removeLast();
    }

    /** What must be released. */
    public List<Obligation> obligations() {
        return obligations;
    }

    /** Something must be released. */
    public void oblige(Obligation obligation) {
        List<Obligation> more = new ArrayList<>(obligations);
        more.add(obligation);
        obligations = List.copyOf(more);
    }

    /** Something was released, or never there; false if it is not one of those. */
    public boolean release(int id) {
        List<Obligation> less = obligations.stream().filter(o -> o.id() != id).toList();
        boolean found = less.size() < obligations.size();
        obligations = less;
        return found;
    }

    /** The lock that is held, as the address in a map's value, or null. */
    public Reg lock() {
        return lock;
    }

    /** A lock is taken, or given back: null. */
    public void lock(Reg held) {
        lock = held;
    }

    /** Changes all registers of all frames, also those that were spilled. */
    public void update(UnaryOperator<Reg> change) {
        for (int i = 0; i < frames.size(); i++) {
            changedFrame(i).update(change);
        }
    }

    /** Nothing is in the registers of the caller that a call does not keep. */
    public void clearArguments() {
        Frame frame = changedFrame(frames.size() - 1);
        for (int i = 1; i <= 5; i++) {
            frame.reg(i, Reg.NOTHING);
        }
    }

    /** As the kernel's log has it: the registers and slots that hold something. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        Frame frame = top();
        if (depth() > 1) {
            text.append(" frame").append(depth() - 1).append(':');
        }
        for (int i = 0; i <= 10; i++) {
            if (frame.reg(i).kind() != RegKind.NOT_INIT) {
                text.append(" R").append(i).append('=').append(frame.reg(i));
            }
        }
        for (int slot = 0; slot < StackMemory.SLOTS; slot++) {
            StackMemory stack = frame.stack();
            Reg spilled = stack.spilled(slot);
            if (spilled != null) {
                text.append(" fp-").append(8 * slot + 8).append('=').append(spilled);
            } else if (!stack.isEmpty(slot)) {
                text.append(" fp-").append(8 * slot + 8).append('=').append(stack.text(slot));
            }
        }
        return text.toString();
    }
}
