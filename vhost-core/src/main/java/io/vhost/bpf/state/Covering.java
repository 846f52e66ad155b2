package io.vhost.bpf.state;

import io.vhost.bpf.insn.Insn;
import io.vhost.bpf.live.Needs;
import io.vhost.bpf.range.Scalar;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Whether everything that can happen from one state on can happen from another one, too, which was gone
 * through before. What is not used any more does not count, nor do numbers that decide nothing. One object,
 * one comparison.
 */
public final class Covering {
    private final Needs needs;
    private final boolean exact;
    private final Map<Integer, Integer> ids = new HashMap<>();
    private int unlinked;

    private Covering(Needs needs, boolean exact) {
        this.needs = needs;
        this.exact = exact;
    }

    /** Whether {@code old} covers {@code now}; both are at {@code at}. */
    public static boolean covers(Needs needs, int at, State old, State now) {
        return new Covering(needs, false).states(at, old, now);
    }

    /** Whether both are the same, so that what led from one to the other can go on for ever. */
    public static boolean same(Needs needs, int at, State old, State now) {
        return new Covering(needs, true).states(at, old, now);
    }

    /** A hash of the constants that decide: states with the same ones are the first to compare. */
    public static long constants(Needs needs, int at, State state) {
        long hash = state.depth();
        Frame frame = state.top();
        for (int i = 0; i < Insn.FP; i++) {
            hash = hash * 31 + (needs.decides(at, i) ? constant(frame.reg(i)) : 0);
        }
        for (int slot = 0; slot < StackMemory.SLOTS; slot++) {
            Reg spilled = frame.stack().spilled(slot);
            if (spilled != null && needs.slotDecides(at, slot)) {
                hash = hash * 31 + constant(spilled) + slot;
            }
        }
        return hash;
    }

    private static long constant(Reg reg) {
        return reg.number().isConstant() ? reg.number().umin() + reg.off() + 1L : 0;
    }

    private boolean states(int at, State old, State now) {
        if (old.depth() != now.depth() || !obligations(old.obligations(), now.obligations())
                || !locks(old.lock(), now.lock())) {
            return false;
        }
        for (int i = 0; i < old.depth(); i++) {
            boolean top = i == old.depth() - 1;
            int place = top ? at : old.frame(i + 1).callSite();
            if (!frames(place, top, old.frame(i), now.frame(i))) {
                return false;
            }
        }
        return true;
    }

    private boolean obligations(List<State.Obligation> old, List<State.Obligation> now) {
        if (old.size() != now.size()) {
            return false;
        }
        for (int i = 0; i < old.size(); i++) {
            if (!linked(old.get(i).id(), now.get(i).id())) {
                return false;
            }
        }
        return true;
    }

    private boolean locks(Reg old, Reg now) {
        if (old == null || now == null) {
            return old == null && now == null;
        }
        return old.which() == now.which() && old.off() == now.off() && old.range() == now.range()
                && (old.id() == 0 ? now.id() == 0 : linked(old.id(), now.id()));
    }

    private boolean frames(int at, boolean top, Frame old, Frame now) {
        if (old.function() != now.function() || old.callSite() != now.callSite()
                || old.isCallback() != now.isCallback()) {
            return false;
        }
        // The caller's registers of a helper that calls back are looked at again behind the callback.
        int kept = top ? -1 : needs.keptRegisters(at);
        for (int i = 0; i < Insn.FP; i++) {
            boolean live = needs.isLive(at, i) && (kept & 1 << i) != 0;
            if (live && !regs(old.reg(i), now.reg(i), needs.decides(at, i))) {
                return false;
            }
        }
        StackMemory before = old.stack();
        StackMemory after = now.stack();
        for (int slot = 0; slot < StackMemory.SLOTS; slot++) {
            if (needs.isSlotLive(at, slot)
                    && !slots(before, after, slot, needs.slotDecides(at, slot))) {
                return false;
            }
        }
        return true;
    }

    private boolean slots(StackMemory old, StackMemory now, int slot, boolean decides) {
        Reg before = old.spilled(slot);
        Reg after = now.spilled(slot);
        boolean pointers = (before != null && !before.isNumber()) || (after != null && !after.isNumber());
        if (old.isEmpty(slot)) {
            return !exact || now.isEmpty(slot);
        }
        boolean spills = before != null && after != null
                && old.spilledSize(slot) == now.spilledSize(slot);
        if (spills && !regs(before, after, decides || exact)) {
            return false;
        }
        if (!spills && pointers) {
            return false;
        }
        boolean loose = !spills && before != null
                && (before.id() != 0 || !before.number().contains(Scalar.UNKNOWN));
        if (!spills && exact && (before != null || after != null)) {
            return false;
        }
        for (int i = 0; i < 8; i++) {
            if (!bytes(old.at(slot, i), now.at(slot, i), spills, loose && decides, after, decides)) {
                return false;
            }
        }
        return true;
    }

    private boolean bytes(int old, int now, boolean spills, boolean narrow, Reg after, boolean decides) {
        if (exact) {
            return old == now;
        }
        return switch (old) {
            case StackMemory.INVALID -> true;
            case StackMemory.MISC -> now != StackMemory.INVALID;
            case StackMemory.ZERO -> now == StackMemory.ZERO
                    || (now != StackMemory.INVALID && (!decides || (now == StackMemory.SPILL
                    && after.isZero())));
            default -> spills ? now == StackMemory.SPILL : (now != StackMemory.INVALID && !narrow);
        };
    }

    private boolean regs(Reg old, Reg now, boolean decides) {
        if (old.kind() == RegKind.NOT_INIT) {
            return !exact || now.kind() == RegKind.NOT_INIT;
        }
        if (old.kind() != now.kind() || old.orNull() != now.orNull()) {
            return false;
        }
        if (exact && !old.number().equals(now.number())) {
            return false;
        }
        if (old.isNumber()) {
            return !decides || (old.number().contains(now.number()) && numbersLinked(old, now));
        }
        boolean ranges = (exact || !old.kind().isPacket()) ? old.range() == now.range()
                : old.range() <= now.range();
        return ranges && old.which() == now.which() && old.off() == now.off()
                && old.number().contains(now.number()) && linked(old.id(), now.id());
    }

    /** Numbers that were the same must be the same now. */
    private boolean numbersLinked(Reg old, Reg now) {
        if (old.id() == 0) {
            return true;
        }
        int partner = now.id() == 0 ? --unlinked : now.id();
        Integer known = ids.putIfAbsent(old.id(), partner);
        return (known == null || known == partner) && (now.id() == 0 || old.off() == now.off());
    }

    private boolean linked(int old, int now) {
        if ((old == 0) != (now == 0)) {
            return false;
        }
        if (old == 0) {
            return true;
        }
        Integer known = ids.putIfAbsent(old, now);
        return known == null || known == now;
    }
}
