package io.vhost.bpf.rules;

import io.vhost.bpf.insn.Insn;
import io.vhost.bpf.map.MapType;
import io.vhost.bpf.range.Scalar;
import io.vhost.bpf.range.ScalarMath;
import io.vhost.bpf.state.Reg;
import io.vhost.bpf.state.RegKind;
import java.nio.ByteOrder;

/** Arithmetic, and loads of constants. Thread: stateless. */
public final class Arithmetic {
    private Arithmetic() {
    }

    /** Loads a constant of 64 bits, or the address of a map, a value or a function. */
    public static void constant(Site site) {
        long insn = site.insn();
        int which = Insn.imm(insn);
        boolean ofMap = Insn.src(insn) == Insn.LDDW_MAP || Insn.src(insn) == Insn.LDDW_MAP_VALUE;
        if (ofMap && (which < 0 || which >= site.subject.maps().size())) {
            throw Site.refuse("refer to one of the program's " + site.subject.maps().size() + " maps",
                    "fd " + which + " is not pointing to valid bpf_map");
        }
        Reg reg = switch (Insn.src(insn)) {
            case Insn.LDDW_MAP -> Reg.address(RegKind.MAP, which);
            case Insn.LDDW_MAP_VALUE -> value(site, which, Insn.imm(site.subject.code().insn(site.at + 1)));
            case Insn.LDDW_FUNCTION -> Reg.address(RegKind.FUNCTION, site.subject.code().target(site.at));
            default -> Reg.constant(Insn.wide(insn, site.subject.code().insn(site.at + 1)));
        };
        site.state.reg(Insn.dst(insn), reg);
    }

    private static Reg value(Site site, int map, int off) {
        int size = site.map(map).spec().valueSize();
        if (MapType.of(site.map(map).spec().type()) != MapType.ARRAY) {
            throw Site.refuse("look the value up", "no direct value access support for this map type");
        }
        if (off < 0 || off >= size) {
            throw Site.refuse("stay within the value's " + size + " bytes", "direct value offset of "
                    + Integer.toUnsignedString(off) + " is not allowed");
        }
        return Reg.address(RegKind.MAP_VALUE, map).withOff(off);
    }

    /** Computes. */
    public static void run(Site site) {
        long insn = site.insn();
        int dst = Insn.dst(insn);
        boolean wide = Insn.kind(insn) == Insn.ALU64;
        switch (Insn.operation(insn)) {
            case Insn.MOV -> site.state.reg(dst, moved(site, insn, wide));
            case Insn.NEG, Insn.END -> {
                Reg reg = site.read(dst);
                site.state.reg(dst, reg.isNumber() ? Reg.number(unary(insn, wide, reg.number()))
                        : anyNumber(wide));
            }
            default -> binary(site, insn, wide);
        }
    }

    private static Scalar unary(long insn, boolean wide, Scalar number) {
        if (Insn.operation(insn) == Insn.NEG) {
            return ScalarMath.negate(wide, number);
        }
        boolean little = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN;
        boolean swapped = wide || Insn.isX(insn) == little;
        return ScalarMath.ordered(swapped, Insn.imm(insn), number);
    }

    private static Reg anyNumber(boolean wide) {
        return wide ? Reg.UNKNOWN : Reg.number(Scalar.loaded(4, false));
    }

    private static Reg moved(Site site, long insn, boolean wide) {
        if (!Insn.isX(insn)) {
            return Reg.constant(wide ? Insn.imm(insn) : Integer.toUnsignedLong(Insn.imm(insn)));
        }
        Reg source = site.read(Insn.src(insn));
        if (!source.isNumber()) {
            if (Insn.off(insn) != 0) {
                return anyNumber(wide);
            }
            return wide ? source : anyNumber(false);
        }
        Scalar number = source.number();
        if (Insn.off(insn) != 0) {
            Scalar extended = ScalarMath.signExtended(wide, Insn.off(insn), number);
            return wide && extended.equals(number) ? linked(site, Insn.src(insn), source)
                    : Reg.number(extended);
        }
        boolean same = wide || Long.compareUnsigned(number.umax(), 0xFFFFFFFFL) <= 0;
        return same ? linked(site, Insn.src(insn), source) : Reg.number(number.low32());
    }

    /** Both hold the same number from now on: what is learnt of one holds for the other. */
    private static Reg linked(Site site, int register, Reg source) {
        if (source.number().isConstant() || source.id() != 0) {
            return source;
        }
        Reg named = source.withId(site.newId());
        site.state.reg(register, named);
        return named;
    }

    private static void binary(Site site, long insn, boolean wide) {
        int dst = Insn.dst(insn);
        int operation = Insn.operation(insn);
        Reg left = site.read(dst);
        Reg right = Insn.isX(insn) ? site.read(Insn.src(insn)) : Reg.constant(Insn.imm(insn));
        if (!Insn.isX(insn)) {
            checkImmediate(operation, Insn.imm(insn), wide);
        }
        if (!left.isNumber() || !right.isNumber()) {
            site.state.reg(dst, PointerMath.apply(site, insn, wide, left, right));
            return;
        }
        Scalar result = ScalarMath.apply(operation, wide, Insn.off(insn) == 1, left.number(), right.number());
        Reg reg = Reg.number(result);
        if (wide && operation == Insn.ADD && right.number().isConstant() && left.id() != 0) {
            long off = left.off() + right.number().bits().value();
            boolean fits = right.number().bits().value() == (int) right.number().bits().value()
                    && off == (int) off;
            reg = fits && !result.isConstant() ? reg.withId(left.id()).withOff((int) off) : reg;
        }
        site.state.reg(dst, reg);
    }

    private static void checkImmediate(int operation, int imm, boolean wide) {
        boolean divides = operation == Insn.DIV || operation == Insn.MOD;
        if (divides && imm == 0) {
            throw Site.refuse("do not divide by the constant 0", "div by zero");
        }
        boolean shifts = operation == Insn.LSH || operation == Insn.RSH || operation == Insn.ARSH;
        if (shifts && (imm < 0 || imm >= (wide ? Long.SIZE : Integer.SIZE))) {
            throw Site.refuse("shift by less than the number of bits", "invalid shift " + imm);
        }
    }
}
