package io.vhost.bpf.range;

import io.vhost.bpf.insn.Insn;

/** What conditional jumps tell of the numbers that they compare. Thread: stateless. */
public final class Comparison {
    private enum Relation { EQUAL, DIFFERENT, BELOW, BELOW_OR_EQUAL, LESS, LESS_OR_EQUAL, COMMON, APART }

    /**
     * Both numbers on one way behind a jump.
     *
     * @param a the jump's destination register
     * @param b its source register or immediate
     */
    public record Pair(Scalar a, Scalar b) {
    }

    private Comparison() {
    }

    /**
     * What is known of two numbers behind a jump.
     *
     * @param operation one of {@link Insn#JEQ} to {@link Insn#JSLE}
     * @param wide      whether 64 bits are compared, else the lower 32
     * @param taken     whether it jumped
     * @return null if it cannot be that it did
     */
    public static Pair refine(int operation, boolean wide, boolean taken, Scalar a, Scalar b) {
        Bounds first = a.bounds();
        Bounds second = b.bounds();
        boolean possible = switch (operation) {
            case Insn.JEQ -> apply(taken ? Relation.EQUAL : Relation.DIFFERENT, wide, first, second);
            case Insn.JNE -> apply(taken ? Relation.DIFFERENT : Relation.EQUAL, wide, first, second);
            case Insn.JSET -> apply(taken ? Relation.COMMON : Relation.APART, wide, first, second);
            case Insn.JLT -> order(taken, false, true, wide, first, second);
            case Insn.JLE -> order(taken, false, false, wide, first, second);
            case Insn.JGT -> order(!taken, false, false, wide, first, second);
            case Insn.JGE -> order(!taken, false, true, wide, first, second);
            case Insn.JSLT -> order(taken, true, true, wide, first, second);
            case Insn.JSLE -> order(taken, true, false, wide, first, second);
            case Insn.JSGT -> order(!taken, true, false, wide, first, second);
            default -> order(!taken, true, true, wide, first, second);
        };
        Scalar left = possible ? Scalar.from(first) : null;
        Scalar right = left == null ? null : Scalar.from(second);
        return right == null ? null : new Pair(left, right);
    }

    /** a &lt; b (or &lt;=) if it holds; else the contrary, which is the same with both exchanged. */
    private static boolean order(boolean holds, boolean signed, boolean strict, boolean wide, Bounds a,
            Bounds b) {
        Relation less = signed ? Relation.LESS : Relation.BELOW;
        Relation atMost = signed ? Relation.LESS_OR_EQUAL : Relation.BELOW_OR_EQUAL;
        return holds ? apply(strict ? less : atMost, wide, a, b) : apply(strict ? atMost : less, wide, b, a);
    }

    private static boolean apply(Relation relation, boolean wide, Bounds a, Bounds b) {
        return wide ? apply64(relation, a, b) : apply32(relation, a, b);
    }

    private static boolean apply64(Relation relation, Bounds a, Bounds b) {
        switch (relation) {
            case EQUAL -> {
                a.bits(b.bits);
                b.bits(a.bits);
                a.unsigned(b.umin, b.umax);
                b.unsigned(a.umin, a.umax);
                a.signed(b.smin, b.smax);
                b.signed(a.smin, a.smax);
                a.unsigned32(b.umin32, b.umax32);
                b.unsigned32(a.umin32, a.umax32);
                a.signed32(b.smin32, b.smax32);
                b.signed32(a.smin32, a.smax32);
            }
            case DIFFERENT -> {
                return differ64(a, b) && differ64(b, a);
            }
            case BELOW -> {
                if (b.umax == 0 || a.umin == -1) {
                    return false;
                }
                a.unsigned(0, b.umax - 1);
                b.unsigned(a.umin + 1, -1);
            }
            case BELOW_OR_EQUAL -> {
                a.unsigned(0, b.umax);
                b.unsigned(a.umin, -1);
            }
            case LESS -> {
                if (b.smax == Long.MIN_VALUE || a.smin == Long.MAX_VALUE) {
                    return false;
                }
                a.signed(Long.MIN_VALUE, b.smax - 1);
                b.signed(a.smin + 1, Long.MAX_VALUE);
            }
            case LESS_OR_EQUAL -> {
                a.signed(Long.MIN_VALUE, b.smax);
                b.signed(a.smin, Long.MAX_VALUE);
            }
            default -> {
                return test(relation == Relation.COMMON, -1, a, b);
            }
        }
        return true;
    }

    private static boolean apply32(Relation relation, Bounds a, Bounds b) {
        switch (relation) {
            case EQUAL -> {
                low(a, b);
                low(b, a);
                a.unsigned32(b.umin32, b.umax32);
                b.unsigned32(a.umin32, a.umax32);
                a.signed32(b.smin32, b.smax32);
                b.signed32(a.smin32, a.smax32);
            }
            case DIFFERENT -> {
                return differ32(a, b) && differ32(b, a);
            }
            case BELOW -> {
                if (b.umax32 == 0 || a.umin32 == -1) {
                    return false;
                }
                a.unsigned32(0, b.umax32 - 1);
                b.unsigned32(a.umin32 + 1, -1);
            }
            case BELOW_OR_EQUAL -> {
                a.unsigned32(0, b.umax32);
                b.unsigned32(a.umin32, -1);
            }
            case LESS -> {
                if (b.smax32 == Integer.MIN_VALUE || a.smin32 == Integer.MAX_VALUE) {
                    return false;
                }
                a.signed32(Integer.MIN_VALUE, b.smax32 - 1);
                b.signed32(a.smin32 + 1, Integer.MAX_VALUE);
            }
            case LESS_OR_EQUAL -> {
                a.signed32(Integer.MIN_VALUE, b.smax32);
                b.signed32(a.smin32, Integer.MAX_VALUE);
            }
            default -> {
                return test(relation == Relation.COMMON, 0xFFFFFFFFL, a, b);
            }
        }
        return true;
    }

    /** The lower halves are equal: of the upper one nothing is said. */
    private static void low(Bounds a, Bounds b) {
        a.bits(Tnum.UNKNOWN.withLow(b.bits));
    }

    /** Where one is known, it is no end of the other's ranges; false if it is all of them. */
    private static boolean differ64(Bounds a, Bounds b) {
        if (!b.bits.isConstant()) {
            return true;
        }
        long number = b.bits.value();
        if (a.bits.isConstant()) {
            return a.bits.value() != number;
        }
        if (a.umin == number) {
            a.unsigned(number + 1, -1);
        } else if (a.umax == number) {
            a.unsigned(0, number - 1);
        }
        if (a.smin == number) {
            a.signed(number + 1, Long.MAX_VALUE);
        } else if (a.smax == number) {
            a.signed(Long.MIN_VALUE, number - 1);
        }
        return true;
    }

    private static boolean differ32(Bounds a, Bounds b) {
        if (b.umin32 != b.umax32) {
            return true;
        }
        int number = b.umin32;
        if (a.umin32 == a.umax32) {
            return a.umin32 != number;
        }
        if (a.umin32 == number) {
            a.unsigned32(number + 1, -1);
        } else if (a.umax32 == number) {
            a.unsigned32(0, number - 1);
        }
        if (a.smin32 == number) {
            a.signed32(number + 1, Integer.MAX_VALUE);
        } else if (a.smax32 == number) {
            a.signed32(Integer.MIN_VALUE, number - 1);
        }
        return true;
    }

    private static boolean test(boolean common, long bits, Bounds a, Bounds b) {
        if (!common) {
            if ((a.bits.value() & b.bits.value() & bits) != 0) {
                return false;
            }
            clear(a, b.bits.value() & bits);
            clear(b, a.bits.value() & bits);
            return true;
        }
        if ((a.bits.max() & b.bits.max() & bits) == 0) {
            return false;
        }
        set(a, b, bits);
        set(b, a, bits);
        return true;
    }

    private static void clear(Bounds a, long zeros) {
        a.bits(new Tnum(0, ~zeros));
    }

    /** One known bit, and nothing else, that both have in common. */
    private static void set(Bounds a, Bounds b, long bits) {
        long candidates = b.bits.max() & bits;
        if (Long.bitCount(candidates) == 1) {
            a.bits(new Tnum(candidates, ~candidates));
        }
    }
}
