package io.vhost.bpf.rules;

import io.vhost.bpf.range.Scalar;
import io.vhost.bpf.state.Reg;
import io.vhost.bpf.state.RegKind;
import io.vhost.bpf.state.StackMemory;

/** Loads from the stack and stores to it. Thread: stateless. */
final class Stack {
    private static final int FRAME = 512;

    private Stack() {
    }

    static Reg load(Site site, int register, Reg base, int off, int size, boolean signed) {
        long from = from(site, register, base, off, size, "read from");
        StackMemory stack = site.state.frame(base.which()).stack();
        int width = (int) (to(base, off, size) - from);
        if (!stack.isStored((int) from, width)) {
            int missing = (int) from;
            while (stack.at(missing) != StackMemory.INVALID) {
                missing++;
            }
            throw Site.refuse("store to the stack at fp" + from + " before this load", "invalid read from"
                    + " stack off " + from + "+" + (missing - from) + " size " + size);
        }
        if (base.number().isConstant()) {
            Reg spilled = stack.spilled(StackMemory.slot((int) from));
            if (spilled != null && !spilled.isNumber() && size != 8) {
                throw Site.refuse("load addresses with all their 8 bytes", "invalid size of register fill");
            }
            return stack.load((int) from, size, signed);
        }
        return stack.isZero((int) from, width) ? Reg.constant(0) : Reg.number(Scalar.loaded(size, signed));
    }

    static void store(Site site, int register, Reg base, int off, int size, Reg value) {
        long from = from(site, register, base, off, size, "write to");
        int at = (int) from;
        boolean outer = base.which() < site.state.depth() - 1;
        if (value.kind() == RegKind.STACK && outer && value.which() > base.which()) {
            throw Site.refuse("keep addresses of this function's stack in this function",
                    "cannot spill pointers to stack into stack frame of the caller");
        }
        StackMemory stack = site.state.changedFrame(base.which()).changedStack();
        if (!base.number().isConstant()) {
            stack.store(at, (int) (to(base, off, size) - from), value.isZero() && stack.isZero(at,
                    (int) (to(base, off, size) - from)));
            return;
        }
        if (!value.isNumber() && size != 8) {
            throw Site.refuse("store addresses with all their 8 bytes",
                    "invalid size of register spill");
        }
        boolean atStart = (at & 7) == 0;
        boolean fits = size == 8 || Long.compareUnsigned(value.number().umax(), -1L >>> (64 - 8 * size)) <= 0;
        if (atStart && (size == 8 || value.isNumber())) {
            stack.spill(at, size, fits ? value : Reg.number(value.number().low(8 * size)));
        } else {
            stack.store(at, size, value.isZero());
        }
    }

    /** Something was stored, of which nothing is known. */
    static void store(Site site, int register, Reg base, int off, int size) {
        long from = from(site, register, base, off, size, "write to");
        site.state.changedFrame(base.which()).changedStack().store((int) from,
                (int) (to(base, off, size) - from), false);
    }

    /** A helper is given memory of the stack. Bytes that were never stored may be among it, as padding. */
    static void given(Site site, int register, Reg base, long size, boolean written, boolean sizeKnown) {
        Scalar number = base.number();
        long from = base.off() + number.smin();
        long to = base.off() + number.smax() + size;
        if (from < -FRAME || to > 0 || number.smin() < -FRAME || number.smax() > FRAME) {
            throw Site.refuse("give the helper memory inside the 512 bytes of the stack", "invalid indirect"
                    + " access to stack R" + register + " off=" + from + " size=" + size);
        }
        site.usesStack(base.which(), from);
        if (written && size > 0) {
            StackMemory stack = site.state.changedFrame(base.which()).changedStack();
            if (sizeKnown && number.isConstant()) {
                stack.store((int) from, (int) size, false);
            } else {
                stack.maybeStore((int) from, (int) (to - from));
            }
        }
    }

    /** The lowest byte that an access may touch; it is checked. */
    private static long from(Site site, int register, Reg base, int off, int size, String what) {
        Scalar number = base.number();
        long fixed = (long) base.off() + off;
        String variable = number.isConstant() ? "" : " var_off=" + number.bits();
        if (number.smin() < -PointerMath.MAX_OFFSET || number.smax() > PointerMath.MAX_OFFSET) {
            throw Site.refuse("bound the index first: compare it, or mask it with &", "invalid unbounded"
                    + " variable-offset " + what + " stack R" + register);
        }
        long from = fixed + number.smin();
        if (from < -FRAME || to(base, off, size) > 0) {
            throw Site.refuse("stay within the 512 bytes of the stack, fp-512 to fp-1", "invalid "
                    + (variable.isEmpty() ? "" : "variable-offset ") + what + " stack R" + register + variable
                    + " off=" + fixed + " size=" + size);
        }
        long unaligned = ((number.bits().value() + fixed) | number.bits().mask()) & (size - 1);
        if (unaligned != 0) {
            throw Site.refuse("access the stack at a multiple of the size", "misaligned stack access off "
                    + number.bits() + "+" + base.off() + "+" + off + " size " + size);
        }
        site.usesStack(base.which(), from);
        return from;
    }

    private static long to(Reg base, int off, int size) {
        return base.off() + off + base.number().smax() + size;
    }
}
