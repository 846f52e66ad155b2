package io.vhost.bpf.range;

import io.vhost.bpf.insn.Insn;

/**
 * Arithmetic (RFC 9669, section 4.1) on what is known of numbers. Division by zero gives 0, the remainder of
 * it the dividend, as at run time. Thread: stateless.
 */
public final class ScalarMath {
    private ScalarMath() {
    }

    /**
     * Computes.
     *
     * @param operation one of {@link Insn#ADD} to {@link Insn#ARSH} but {@link Insn#MOV} and {@link Insn#NEG}
     * @param wide      whether it is an operation on 64 bits; else the upper half of the result is 0
     * @param signed    whether a division is signed
     */
    public static Scalar apply(int operation, boolean wide, boolean signed, Scalar a, Scalar b) {
        if (wide) {
            return apply64(operation, signed, a, b);
        }
        return apply32(operation, signed, a.low32(), b.low32(), b.isConstant32());
    }

    /** The negative. */
    public static Scalar negate(boolean wide, Scalar a) {
        return apply(Insn.SUB, wide, false, Scalar.ZERO, a);
    }

    /** The lower {@code bits} bits with their sign; of a narrow move the upper half is 0. */
    public static Scalar signExtended(boolean wide, int bits, Scalar a) {
        Bounds bounds = new Bounds();
        bounds.bits = a.bits().signExtended(bits);
        bounds.signed(-1L << (bits - 1), (1L << (bits - 1)) - 1);
        if (bits == Integer.SIZE) {
            bounds.signed(a.smin32(), a.smax32());
        } else if (a.smin32() >= bounds.smin && a.smax32() <= bounds.smax) {
            bounds.signed(a.smin32(), a.smax32());
        }
        Scalar extended = Scalar.fromResult(bounds);
        return wide ? extended : extended.low32();
    }

    /** The lower 16, 32 or 64 bits, in the other order if {@code swapped}. */
    public static Scalar ordered(boolean swapped, int bits, Scalar a) {
        if (!swapped) {
            return a.low(bits);
        }
        Bounds bounds = new Bounds();
        bounds.bits = a.bits().reversed().shiftRight(Long.SIZE - bits);
        return Scalar.fromResult(bounds);
    }

    private static Scalar apply64(int operation, boolean signed, Scalar a, Scalar b) {
        Bounds r = new Bounds();
        switch (operation) {
            case Insn.ADD -> {
                r.bits = a.bits().add(b.bits());
                Ranges.add(r, a, b);
            }
            case Insn.SUB -> {
                r.bits = a.bits().subtract(b.bits());
                Ranges.subtract(r, a, b);
            }
            case Insn.MUL -> {
                r.bits = a.bits().multiply(b.bits());
                Ranges.multiply(r, a, b);
            }
            case Insn.AND -> r.bits = a.bits().and(b.bits());
            case Insn.OR -> r.bits = a.bits().or(b.bits());
            case Insn.XOR -> r.bits = a.bits().xor(b.bits());
            case Insn.DIV, Insn.MOD -> divide(r, operation == Insn.MOD, signed, a, b);
            default -> {
                if (!b.isConstant() || b.umin() < 0 || b.umin() >= Long.SIZE) {
                    return Scalar.UNKNOWN;
                }
                shift64(r, operation, a, (int) b.umin());
            }
        }
        bitwise(r, operation, a, b);
        return Scalar.fromResult(r);
    }

    /** Bounds that bitwise operations have beyond what is known of the bits. */
    private static void bitwise(Bounds r, int operation, Scalar a, Scalar b) {
        if (operation == Insn.AND) {
            r.unsigned(0, a.umax());
            r.unsigned(0, b.umax());
            r.unsigned32(0, a.umax32());
            r.unsigned32(0, b.umax32());
        } else if (operation == Insn.OR) {
            r.unsigned(a.umin(), -1);
            r.unsigned(b.umin(), -1);
            r.unsigned32(a.umin32(), -1);
            r.unsigned32(b.umin32(), -1);
        }
    }

    private static void divide(Bounds r, boolean remainder, boolean signed, Scalar a, Scalar b) {
        if (signed) {
            return;
        }
        r.unsigned(0, a.umax());
        if (!b.isConstant() || b.is(0)) {
            return;
        }
        long divisor = b.umin();
        if (remainder) {
            r.unsigned(0, divisor - 1);
        } else {
            r.unsigned(Long.divideUnsigned(a.umin(), divisor), Long.divideUnsigned(a.umax(), divisor));
        }
    }

    private static void shift64(Bounds r, int operation, Scalar a, int n) {
        switch (operation) {
            case Insn.LSH -> {
                r.bits = a.bits().shiftLeft(n);
                if (a.umax() << n >>> n == a.umax()) {
                    r.unsigned(a.umin() << n, a.umax() << n);
                }
                if (a.smin() << n >> n == a.smin() && a.smax() << n >> n == a.smax()) {
                    r.signed(a.smin() << n, a.smax() << n);
                }
                if (n == Integer.SIZE) {
                    r.signed((long) a.smin32() << n, (long) a.smax32() << n);
                    r.unsigned((long) a.umin32() << n, (long) a.umax32() << n);
                }
            }
            case Insn.RSH -> {
                r.bits = a.bits().shiftRight(n);
                r.unsigned(a.umin() >>> n, a.umax() >>> n);
            }
            default -> {
                r.bits = a.bits().shiftRightSigned(n);
                r.signed(a.smin() >> n, a.smax() >> n);
            }
        }
    }

    /** On zero-extended numbers; what does not fit in 32 bits is cut off behind the operation. */
    private static Scalar apply32(int operation, boolean signed, Scalar a, Scalar b, boolean known) {
        boolean division = operation == Insn.DIV || operation == Insn.MOD;
        boolean shift = operation == Insn.LSH || operation == Insn.RSH || operation == Insn.ARSH;
        if (shift && (!known || b.umin() >= Integer.SIZE)) {
            return Scalar.loaded(4, false);
        }
        if (division && signed) {
            return Scalar.loaded(4, false);
        }
        if (operation == Insn.ARSH) {
            Scalar extended = signExtended(true, Integer.SIZE, a);
            return apply64(Insn.ARSH, false, extended, b).low32();
        }
        return apply64(operation, false, a, b).low32();
    }
}
