package io.vhost.bpf.range;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.vhost.bpf.insn.Insn;
import java.math.BigInteger;
import java.util.SplittableRandom;
import java.util.function.LongBinaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Ranges are no wider than they have to be, on which the verdicts depend: small ones are compared with all
 * results of all their numbers, the others with what was known of the same operands before.
 */
class RangePrecisionTest {
    private static final int SPAN = 4;
    private static final int CASES = 4_000;
    private static final long LOW = 0xFFFFFFFFL;
    /** Where small ranges begin: around each place at which one of the orders wraps. */
    private static final long[] BASES = {0, 5, 0x7FFF_FFFEL, 0xFFFF_FFFEL, Long.MAX_VALUE - 2, -2, -9};

    /** The hull of numbers, in both orders and both widths. */
    private static final class Hull {
        private boolean empty = true;
        private long umin;
        private long umax;
        private long smin;
        private long smax;

        private void add(long number) {
            umin = empty || Long.compareUnsigned(number, umin) < 0 ? number : umin;
            umax = empty || Long.compareUnsigned(number, umax) > 0 ? number : umax;
            smin = empty ? number : Math.min(smin, number);
            smax = empty ? number : Math.max(smax, number);
            empty = false;
        }
    }

    private static boolean holds(int operation, long x, long y) {
        int unsigned = Long.compareUnsigned(x, y);
        return switch (operation) {
            case Insn.JEQ -> x == y;
            case Insn.JNE -> x != y;
            case Insn.JGT -> unsigned > 0;
            case Insn.JGE -> unsigned >= 0;
            case Insn.JLT -> unsigned < 0;
            case Insn.JLE -> unsigned <= 0;
            case Insn.JSGT -> x > y;
            case Insn.JSGE -> x >= y;
            case Insn.JSLT -> x < y;
            default -> x <= y;
        };
    }

    private static boolean isEquality(int operation) {
        return operation == Insn.JEQ || operation == Insn.JNE;
    }

    private static boolean isSigned(int operation) {
        return operation == Insn.JSGT || operation == Insn.JSGE || operation == Insn.JSLT
                || operation == Insn.JSLE;
    }

    /** In the order in which it is compared, what is left of two small ranges is exact. */
    @ParameterizedTest
    @ValueSource(ints = {Insn.JEQ, Insn.JNE, Insn.JGT, Insn.JGE, Insn.JSGT, Insn.JSGE, Insn.JLT, Insn.JLE,
        Insn.JSLT, Insn.JSLE})
    void jumpsLeaveExactlyWhatIsPossibleOfSmallRanges(int operation) {
        boolean signed = isSigned(operation);
        for (long base : BASES) {
            boolean wraps = signed ? base + SPAN < base : Long.compareUnsigned(base + SPAN, base) < 0;
            for (int i = 0; i < SPAN * SPAN * SPAN * SPAN && !wraps; i++) {
                long p = base + i % SPAN;
                long q = base + i / SPAN % SPAN;
                long r = base + i / SPAN / SPAN % SPAN;
                long s = base + i / SPAN / SPAN / SPAN;
                if (q - p >= 0 && s - r >= 0) {
                    exact(operation, true, new long[] {p, q, r, s});
                    exact(operation, false, new long[] {p, q, r, s});
                }
            }
        }
    }

    private static void exact(int operation, boolean taken, long[] ends) {
        boolean signed = isSigned(operation);
        Hull left = new Hull();
        Hull right = new Hull();
        for (long x = ends[0]; x != ends[1] + 1; x++) {
            for (long y = ends[2]; y != ends[3] + 1; y++) {
                if (holds(operation, x, y) == taken) {
                    left.add(x);
                    right.add(y);
                }
            }
        }
        Scalar a = signed ? Scalar.signed(ends[0], ends[1]) : Scalar.unsigned(ends[0], ends[1]);
        Scalar b = signed ? Scalar.signed(ends[2], ends[3]) : Scalar.unsigned(ends[2], ends[3]);
        Comparison.Pair pair = Comparison.refine(operation, true, taken, a, b);
        String what = a + " and " + b + ", taken " + taken + ": " + pair;
        if (left.empty) {
            assertNull(pair, what);
            return;
        }
        assertNotNull(pair, what);
        boolean unequal = taken == (operation == Insn.JNE) && isEquality(operation);
        if (!unequal || b.isConstant() || a.isConstant()) {
            assertExact(signed, left, pair.a(), what);
            assertExact(signed, right, pair.b(), what);
        }
    }

    private static void assertExact(boolean signed, Hull hull, Scalar scalar, String what) {
        assertEquals(signed ? hull.smin : hull.umin, signed ? scalar.smin() : scalar.umin(), what);
        assertEquals(signed ? hull.smax : hull.umax, signed ? scalar.smax() : scalar.umax(), what);
    }

    /** The lower halves of numbers of which the upper ones are not known. */
    @ParameterizedTest
    @ValueSource(ints = {Insn.JEQ, Insn.JNE, Insn.JGT, Insn.JGE, Insn.JSGT, Insn.JSGE, Insn.JLT, Insn.JLE,
        Insn.JSLT, Insn.JSLE})
    void narrowJumpsLeaveExactlyWhatIsPossibleOfSmallRanges(int operation) {
        for (int base : new int[] {0, 5, Integer.MAX_VALUE - SPAN, Integer.MIN_VALUE, -SPAN}) {
            for (int i = 0; i < SPAN * SPAN * SPAN * SPAN; i++) {
                int p = base + i % SPAN;
                int q = base + i / SPAN % SPAN;
                int r = base + i / SPAN / SPAN % SPAN;
                int s = base + i / SPAN / SPAN / SPAN;
                if (p <= q && r <= s) {
                    exactLow(operation, true, new int[] {p, q, r, s});
                    exactLow(operation, false, new int[] {p, q, r, s});
                }
            }
        }
    }

    private static Scalar low(int min, int max) {
        Bounds bounds = new Bounds();
        bounds.signed32(min, max);
        return Scalar.from(bounds);
    }

    private static void exactLow(int operation, boolean taken, int[] ends) {
        Hull left = new Hull();
        Hull right = new Hull();
        for (long x = ends[0]; x <= ends[1]; x++) {
            for (long y = ends[2]; y <= ends[3]; y++) {
                if (holds(operation, x, y) == taken) {
                    left.add(x);
                    right.add(y);
                }
            }
        }
        Scalar a = low(ends[0], ends[1]);
        Scalar b = low(ends[2], ends[3]);
        Comparison.Pair pair = Comparison.refine(operation, false, taken, a, b);
        String what = a + " and " + b + ", taken " + taken + ": " + pair;
        if (left.empty) {
            assertNull(pair, what);
            return;
        }
        assertNotNull(pair, what);
        boolean unequal = taken == (operation == Insn.JNE) && isEquality(operation);
        if (!unequal || b.isConstant32() || a.isConstant32()) {
            assertEquals(left.smin, pair.a().smin32(), what);
            assertEquals(left.smax, pair.a().smax32(), what);
            assertEquals(right.smin, pair.b().smin32(), what);
            assertEquals(right.smax, pair.b().smax32(), what);
            assertEquals((int) left.umin, pair.a().umin32(), what);
            assertEquals((int) right.umax, pair.b().umax32(), what);
        }
    }

    /** Sums, differences and products of ranges end where those of their numbers do. */
    @Test
    void sumsDifferencesAndProductsOfSmallRangesEndWhereTheyHaveTo() {
        extremes(Insn.ADD, Long::sum);
        extremes(Insn.SUB, (x, y) -> x - y);
        extremes(Insn.MUL, (x, y) -> x * y);
    }

    private static void extremes(int operation, LongBinaryOperator concrete) {
        for (long base : new long[] {0, 3, -2, -7, 0x7FFF_FFFDL, -0x8000_0000L, 1L << 40}) {
            for (int i = 0; i < SPAN * SPAN * SPAN * SPAN; i++) {
                long p = base + i % SPAN;
                long q = base + i / SPAN % SPAN;
                long r = i / SPAN / SPAN % SPAN - 2L;
                long s = i / SPAN / SPAN / SPAN - 2L;
                if (p <= q && r <= s) {
                    Hull hull = new Hull();
                    for (long x = p; x <= q; x++) {
                        for (long y = r; y <= s; y++) {
                            hull.add(concrete.applyAsLong(x, y));
                        }
                    }
                    Scalar a = Scalar.signed(p, q);
                    Scalar b = Scalar.signed(r, s);
                    Scalar result = ScalarMath.apply(operation, true, false, a, b);
                    String what = operation + " of " + a + " and " + b + ": " + result;
                    assertEquals(hull.smin, result.smin(), what);
                    assertEquals(hull.smax, result.smax(), what);
                    if (hull.smin >= 0) {
                        assertEquals(hull.umin, result.umin(), what);
                        assertEquals(hull.umax, result.umax(), what);
                    }
                }
            }
        }
    }

    /** What wraps at neither end keeps both, also where an end of the other operand is 0 or the same. */
    @Test
    void unsignedEndsOfSumsAndDifferencesAreKept() {
        Scalar wide = Scalar.unsigned(5, -5);
        assertEquals(wide, ScalarMath.apply(Insn.ADD, true, false, wide, Scalar.ZERO));
        assertEquals(wide, ScalarMath.apply(Insn.SUB, true, false, wide, Scalar.ZERO));
        assertEquals(-10, ScalarMath.apply(Insn.SUB, true, false, wide, Scalar.of(5)).umax());
        assertEquals(-1, ScalarMath.apply(Insn.SUB, true, false, wide, Scalar.of(6)).umax());
    }

    @Test
    void quotientsAndShiftsOfRangesEndWhereTheyHaveTo() {
        Scalar range = Scalar.unsigned(40, 100);
        Scalar quotient = ScalarMath.apply(Insn.DIV, true, false, range, Scalar.of(7));
        assertEquals(5, quotient.umin());
        assertEquals(14, quotient.umax());
        assertEquals(6, ScalarMath.apply(Insn.MOD, true, false, range, Scalar.of(7)).umax());
        assertEquals(100, ScalarMath.apply(Insn.MOD, true, false, range, Scalar.of(200)).umax());
        assertEquals(100, ScalarMath.apply(Insn.DIV, true, false, range, Scalar.unsigned(0, 9)).umax());
        Scalar left = ScalarMath.apply(Insn.LSH, true, false, range, Scalar.of(3));
        assertEquals(320, left.umin());
        assertEquals(800, left.umax());
        Scalar right = ScalarMath.apply(Insn.RSH, true, false, range, Scalar.of(3));
        assertEquals(5, right.umin());
        assertEquals(12, right.umax());
        Scalar signed = ScalarMath.apply(Insn.ARSH, true, false, Scalar.signed(-41, 41), Scalar.of(3));
        assertEquals(-6, signed.smin());
        assertEquals(5, signed.smax());
        Scalar signedLeft = ScalarMath.apply(Insn.LSH, true, false, Scalar.signed(-41, 41), Scalar.of(3));
        assertEquals(-328, signedLeft.smin());
        assertEquals(328, signedLeft.smax());
        assertEquals(Scalar.UNKNOWN, ScalarMath.apply(Insn.LSH, true, false, range, Scalar.of(64)));
        assertEquals(1L << 63, ScalarMath.apply(Insn.LSH, true, false, Scalar.of(1), Scalar.of(63)).umin());
        assertEquals(Scalar.loaded(4, false), ScalarMath.apply(Insn.LSH, false, false, range, Scalar.of(32)));
        assertEquals(1L << 31, ScalarMath.apply(Insn.LSH, false, false, Scalar.of(41), Scalar.of(31)).umin());
    }

    /** How much is not known of a number, as one number in which nothing is rounded. */
    private static BigInteger width(Scalar s) {
        return wide(s.umax() - s.umin()).add(wide(s.smax() - s.smin())).add(wide(s.bits().mask()))
                .add(wide((s.umax32() - s.umin32()) & LOW)).add(wide((s.smax32() - s.smin32()) & LOW));
    }

    private static BigInteger wide(long unsigned) {
        return new BigInteger(Long.toUnsignedString(unsigned));
    }

    private static void assertAsBefore(String before, BigInteger now) {
        assertEquals(before, now.toString(16), "as much is known as before: if the number went down while "
                + "RangeTest and VerdictsTest hold, more is known now, and this one takes its place");
    }

    @ParameterizedTest
    @CsvSource({"0x00, 5e63e8d8f33bc9f46d0", "0x10, 624e785000fbbf98f98",
        "0x20, 90e872e20db794c07d5", "0x30, 997efb8965fca72b11b",
        "0x40, 395a4b6baea86b4b595", "0x50, 1feb32425e494ebc4fd",
        "0x60, 11d357a715949a0b76b7", "0x70, 10aba6c97d063c03389a",
        "0x90, aef9f1c4a8d87c2c83f", "0xA0, 5586ab253c3d85e9048",
        "0xC0, 114bd7184adb768c8a95"})
    void ofResultsAsMuchIsKnownAsBefore(String operation, String before) {
        SplittableRandom random = new SplittableRandom(11);
        BigInteger sum = BigInteger.ZERO;
        for (int i = 0; i < CASES; i++) {
            Scalar a = ScalarCases.around(random, ScalarCases.number(random));
            long y = random.nextInt(3) == 0 ? random.nextInt(70) : ScalarCases.number(random);
            Scalar b = random.nextInt(3) == 0 ? Scalar.of(y) : ScalarCases.around(random, y);
            sum = sum.add(width(ScalarMath.apply(
                    Integer.decode(operation), random.nextBoolean(), random.nextInt(4) == 0, a, b)));
        }
        assertAsBefore(before, sum);
    }

    @ParameterizedTest
    @CsvSource({"0x10, 1311, 7cc38a17c773d6e2dd0", "0x20, 1183, 807312e743d14e574b4",
        "0x30, 1167, 80f1777f47284767dc1", "0x40, 1200, 9b7192ce1637d4b00ea",
        "0x50, 1307, 846748ebbb6ed1275b8", "0x60, 1127, 875ddb7af3af55841d4",
        "0x70, 1119, 87a749028dd654f8649", "0xA0, 1146, 82c66c7d8e0c2da1829",
        "0xB0, 1146, 837bdfe2efcfc801384", "0xC0, 1131, 881295d4963fe108bdc",
        "0xD0, 1142, 887be4e6f71ff92cd26"})
    void behindJumpsAsMuchIsKnownAsBefore(String operation, int deadBefore, String before) {
        SplittableRandom random = new SplittableRandom(12);
        BigInteger sum = BigInteger.ZERO;
        int dead = 0;
        for (int i = 0; i < CASES; i++) {
            long x = ScalarCases.number(random);
            long y = random.nextInt(3) == 0 ? x + random.nextInt(-2, 3) : ScalarCases.number(random);
            Scalar a = ScalarCases.around(random, x);
            Scalar b = ScalarCases.around(random, y);
            Comparison.Pair pair = Comparison.refine(
                    Integer.decode(operation), random.nextBoolean(), random.nextBoolean(), a, b);
            dead += pair == null ? 1 : 0;
            sum = pair == null ? sum : sum.add(width(pair.a())).add(width(pair.b()));
        }
        assertEquals(deadBefore, dead);
        assertAsBefore(before, sum);
    }

    @Test
    void ofOneOperandAsMuchIsKnownAsBefore() {
        SplittableRandom random = new SplittableRandom(13);
        BigInteger sum = BigInteger.ZERO;
        for (int i = 0; i < CASES; i++) {
            Scalar a = ScalarCases.around(random, ScalarCases.number(random));
            int bits = 8 << random.nextInt(3);
            sum = sum.add(width(a)).add(width(a.low(bits))).add(width(a.low(Long.SIZE)))
                    .add(width(ScalarMath.signExtended(random.nextBoolean(), bits, a)))
                    .add(width(ScalarMath.negate(random.nextBoolean(), a)))
                    .add(width(ScalarMath.ordered(random.nextBoolean(), 2 * bits, a)));
        }
        assertAsBefore("18e98d12a46206d5884f", sum);
    }
}
