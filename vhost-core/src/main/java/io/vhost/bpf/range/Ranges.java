package io.vhost.bpf.range;

/**
 * Ranges of sums, differences and products. Where every result wraps around in the same way, the ends of the
 * range do, too; where only some do, nothing is known. Thread: stateless.
 */
final class Ranges {
    private static final long LOW = 0xFFFFFFFFL;

    private Ranges() {
    }

    static void add(Bounds r, Scalar a, Scalar b) {
        long low = a.umin() + b.umin();
        long high = a.umax() + b.umax();
        boolean lowWraps = Long.compareUnsigned(low, a.umin()) < 0;
        boolean highWraps = Long.compareUnsigned(high, a.umax()) < 0;
        if (lowWraps == highWraps) {
            r.unsigned(low, high);
        }
        low = a.smin() + b.smin();
        high = a.smax() + b.smax();
        if (wrapOfSum(a.smin(), b.smin(), low) == wrapOfSum(a.smax(), b.smax(), high)) {
            r.signed(low, high);
        }
        unsigned32(r, (a.umin32() & LOW) + (b.umin32() & LOW), (a.umax32() & LOW) + (b.umax32() & LOW));
        signed32(r, (long) a.smin32() + b.smin32(), (long) a.smax32() + b.smax32());
    }

    static void subtract(Bounds r, Scalar a, Scalar b) {
        long low = a.umin() - b.umax();
        long high = a.umax() - b.umin();
        boolean lowWraps = Long.compareUnsigned(a.umin(), b.umax()) < 0;
        boolean highWraps = Long.compareUnsigned(a.umax(), b.umin()) < 0;
        if (lowWraps == highWraps) {
            r.unsigned(low, high);
        }
        low = a.smin() - b.smax();
        high = a.smax() - b.smin();
        if (wrapOfDifference(a.smin(), b.smax(), low) == wrapOfDifference(a.smax(), b.smin(), high)) {
            r.signed(low, high);
        }
        unsigned32(r, (a.umin32() & LOW) - (b.umax32() & LOW), (a.umax32() & LOW) - (b.umin32() & LOW));
        signed32(r, (long) a.smin32() - b.smax32(), (long) a.smax32() - b.smin32());
    }

    static void multiply(Bounds r, Scalar a, Scalar b) {
        if (Math.unsignedMultiplyHigh(a.umax(), b.umax()) == 0) {
            r.unsigned(a.umin() * b.umin(), a.umax() * b.umax());
        }
        signedProduct(r, a, b);
        long high = (a.umax32() & LOW) * (b.umax32() & LOW);
        if (high >>> 32 == 0) {
            r.unsigned32((int) ((a.umin32() & LOW) * (b.umin32() & LOW)), (int) high);
        }
        signedProduct32(r, a, b);
    }

    private static void signedProduct(Bounds r, Scalar a, Scalar b) {
        long least = Long.MAX_VALUE;
        long most = Long.MIN_VALUE;
        for (long x : new long[] {a.smin(), a.smax()}) {
            for (long y : new long[] {b.smin(), b.smax()}) {
                long product = x * y;
                if (Math.multiplyHigh(x, y) != product >> 63) {
                    return;
                }
                least = Math.min(least, product);
                most = Math.max(most, product);
            }
        }
        r.signed(least, most);
    }

    private static void signedProduct32(Bounds r, Scalar a, Scalar b) {
        long least = Long.MAX_VALUE;
        long most = Long.MIN_VALUE;
        for (long x : new long[] {a.smin32(), a.smax32()}) {
            for (long y : new long[] {b.smin32(), b.smax32()}) {
                least = Math.min(least, x * y);
                most = Math.max(most, x * y);
            }
        }
        signed32(r, least, most);
    }

    /** Exact ends, with bits above the 32nd. */
    private static void unsigned32(Bounds r, long low, long high) {
        if (low >> 32 == high >> 32) {
            r.unsigned32((int) low, (int) high);
        }
    }

    private static void signed32(Bounds r, long low, long high) {
        if ((low - Integer.MIN_VALUE) >> 32 == (high - Integer.MIN_VALUE) >> 32) {
            r.signed32((int) low, (int) high);
        }
    }

    /** 0 if the sum is right, else the direction that it went over. */
    private static int wrapOfSum(long x, long y, long sum) {
        return ((x ^ sum) & (y ^ sum)) < 0 ? Long.signum(x) : 0;
    }

    private static int wrapOfDifference(long x, long y, long difference) {
        return ((x ^ y) & (x ^ difference)) >= 0 ? 0 : x < 0 ? -1 : 1;
    }
}
