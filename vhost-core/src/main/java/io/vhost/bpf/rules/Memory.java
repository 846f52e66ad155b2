package io.vhost.bpf.rules;

import io.vhost.bpf.insn.Insn;
import io.vhost.bpf.mem.Bytes;
import io.vhost.bpf.range.Scalar;
import io.vhost.bpf.state.Reg;
import io.vhost.bpf.state.RegKind;
import java.lang.foreign.MemorySegment;

/** Loads, stores and atomic operations. Thread: stateless. */
public final class Memory {
    private Memory() {
    }

    /** Loads into a register. */
    public static void load(Site site) {
        long insn = site.insn();
        int src = Insn.src(insn);
        Reg base = site.read(src);
        int off = Insn.off(insn);
        int size = Insn.size(insn);
        boolean signed = Insn.mode(insn) == Insn.MEMSX;
        Reg loaded = switch (base.kind()) {
            case STACK -> Stack.load(site, src, base, off, size, signed);
            case CONTEXT -> context(site, src, base, off, size, signed);
            default -> {
                Bounded.check(site, src, base, off, size, false);
                yield loaded(site, base, off, size, signed);
            }
        };
        site.state.reg(Insn.dst(insn), loaded);
    }

    /** What nobody can change any more is known. */
    private static Reg loaded(Site site, Reg base, int off, int size, boolean signed) {
        MemorySegment values = base.kind() == RegKind.MAP_VALUE && base.number().isConstant()
                ? site.facts(base).values() : null;
        if (values == null) {
            return Reg.number(Scalar.loaded(size, signed));
        }
        long value = Bytes.load(values, base.off() + off + base.number().smin(), size);
        int unused = Long.SIZE - 8 * size;
        return Reg.constant(signed ? value << unused >> unused : value);
    }

    private static Reg context(Site site, int src, Reg base, int off, int size, boolean signed) {
        unmoved(src, base);
        RegKind kind = ContextFields.load(site.subject.context(), off, size);
        if (kind == null || (signed && kind != RegKind.SCALAR)) {
            throw Site.refuse("load a field of the context with its own size", "invalid bpf_context access"
                    + " off=" + off + " size=" + size);
        }
        return kind == RegKind.SCALAR ? Reg.number(Scalar.loaded(size, signed)) : Reg.address(kind, 0);
    }

    private static void unmoved(int register, Reg base) {
        if (base.off() != 0 || !base.number().is(0)) {
            throw Site.refuse("load from the context by a constant offset", "dereference of modified ctx ptr"
                    + " R" + register + " off=" + base.off() + " disallowed");
        }
    }

    /** Stores, or does an atomic operation. */
    public static void store(Site site) {
        long insn = site.insn();
        if (Insn.kind(insn) == Insn.STX && Insn.mode(insn) == Insn.ATOMIC) {
            atomic(site, insn);
            return;
        }
        int dst = Insn.dst(insn);
        int off = Insn.off(insn);
        int size = Insn.size(insn);
        Reg value = Insn.kind(insn) == Insn.STX ? site.read(Insn.src(insn)) : Reg.constant(Insn.imm(insn));
        Reg base = site.read(dst);
        switch (base.kind()) {
            case STACK -> Stack.store(site, dst, base, off, size, named(site, insn, value));
            case CONTEXT -> {
                unmoved(dst, base);
                if (!ContextFields.isStored(site.subject.context(), off, size)) {
                    throw Site.refuse("leave this field of the context as it is", "invalid bpf_context"
                            + " access off=" + off + " size=" + size);
                }
            }
            default -> Bounded.check(site, dst, base, off, size, true);
        }
    }

    /** A number that is spilled is the same as the one in its register. */
    private static Reg named(Site site, long insn, Reg value) {
        boolean links = Insn.kind(insn) == Insn.STX && value.isNumber() && !value.number().isConstant()
                && value.id() == 0 && Long.compareUnsigned(value.number().umax(),
                -1L >>> (64 - 8 * Insn.size(insn))) <= 0;
        if (!links) {
            return value;
        }
        Reg named = value.withId(site.newId());
        site.state.reg(Insn.src(insn), named);
        return named;
    }

    private static void atomic(Site site, long insn) {
        int dst = Insn.dst(insn);
        int size = Insn.size(insn);
        int off = Insn.off(insn);
        int operation = Insn.imm(insn);
        site.read(Insn.src(insn));
        if (operation == Insn.CMPXCHG) {
            site.read(0);
        }
        Reg base = site.read(dst);
        boolean fits = base.kind() == RegKind.STACK || base.kind() == RegKind.MAP_VALUE
                || base.kind() == RegKind.RECORD;
        if (!fits && base.kind().isPointer()) {
            throw Site.refuse("use atomic operations on map values and the stack only", "BPF_ATOMIC stores"
                    + " into R" + dst + " " + base.kind().text() + " is not allowed");
        }
        if (base.kind() == RegKind.STACK) {
            Stack.load(site, dst, base, off, size, false);
            Stack.store(site, dst, base, off, size);
        } else {
            Bounded.check(site, dst, base, off, size, true);
            aligned(base, off, size);
        }
        Reg old = Reg.number(Scalar.loaded(size, false));
        if (operation == Insn.CMPXCHG) {
            site.state.reg(0, old);
        } else if ((operation & Insn.FETCH) != 0) {
            site.state.reg(Insn.src(insn), old);
        }
    }

    private static void aligned(Reg base, int off, int size) {
        Scalar number = base.number();
        long unaligned = ((number.bits().value() + base.off() + off) | number.bits().mask()) & (size - 1);
        if (unaligned != 0) {
            throw Site.refuse("use atomic operations at a multiple of their size", "misaligned value access"
                    + " off " + number.bits() + "+" + base.off() + "+" + off + " size " + size);
        }
    }
}
