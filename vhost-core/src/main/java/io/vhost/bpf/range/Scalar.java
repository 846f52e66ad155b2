package io.vhost.bpf.range;

/**
 * What is known of a number: its bits, its ranges as a signed and as an unsigned number, and those of its
 * lower 32 bits. There is always at least one such number.
 *
 * <p>Thread: immutable; any thread.
 *
 * @param bits   what is known of the bits
 * @param umin   least, unsigned
 * @param umax   greatest, unsigned
 * @param smin   least, signed
 * @param smax   greatest, signed
 * @param umin32 least of the lower 32 bits, unsigned
 * @param umax32 greatest of the lower 32 bits, unsigned
 * @param smin32 least of the lower 32 bits, signed
 * @param smax32 greatest of the lower 32 bits, signed
 */
public record Scalar(Tnum bits, long umin, long umax, long smin, long smax, int umin32, int umax32,
                     int smin32, int smax32) {
    /** Any number. */
    public static final Scalar UNKNOWN = from(new Bounds());
    /** The number 0. */
    public static final Scalar ZERO = of(0);

    /** What is in all bounds, or null if no number is. */
    static Scalar from(Bounds b) {
        return !b.sync() ? null
                : new Scalar(b.bits, b.umin, b.umax, b.smin, b.smax, b.umin32, b.umax32, b.smin32, b.smax32);
    }

    /** The same for results, of which there is always one: a mistake in the bounds must not end in null. */
    static Scalar fromResult(Bounds bounds) {
        Scalar scalar = from(bounds);
        return scalar == null ? UNKNOWN : scalar;
    }

    /** Its bounds, to be changed. */
    Bounds bounds() {
        Bounds b = new Bounds();
        b.bits = bits;
        b.umin = umin;
        b.umax = umax;
        b.smin = smin;
        b.smax = smax;
        b.umin32 = umin32;
        b.umax32 = umax32;
        b.smin32 = smin32;
        b.smax32 = smax32;
        return b;
    }

    /** A number that is known. */
    public static Scalar of(long number) {
        int low = (int) number;
        return new Scalar(Tnum.of(number), number, number, number, number, low, low, low, low);
    }

    /** Any number from {@code min} to {@code max}, unsigned. */
    public static Scalar unsigned(long min, long max) {
        Bounds bounds = new Bounds();
        bounds.umin = min;
        bounds.umax = max;
        return from(bounds);
    }

    /** Any number from {@code min} to {@code max}, signed. */
    public static Scalar signed(long min, long max) {
        Bounds bounds = new Bounds();
        bounds.smin = min;
        bounds.smax = max;
        return from(bounds);
    }

    /** Any number of 1, 2, 4 or 8 bytes that was loaded, zero-extended or with its sign. */
    public static Scalar loaded(int bytes, boolean signed) {
        int bits = 8 * bytes;
        if (bits == Long.SIZE) {
            return UNKNOWN;
        }
        return signed ? signed(-1L << (bits - 1), (1L << (bits - 1)) - 1) : unsigned(0, (1L << bits) - 1);
    }

    /** Whether the number is known. */
    public boolean isConstant() {
        return bits.isConstant();
    }

    /** Whether it is this number. */
    public boolean is(long number) {
        return isConstant() && bits.value() == number;
    }

    /** Whether the lower 32 bits are known. */
    public boolean isConstant32() {
        return umin32 == umax32;
    }

    /** Whether every number of the other is one of these. */
    public boolean contains(Scalar other) {
        return Long.compareUnsigned(umin, other.umin) <= 0 && Long.compareUnsigned(umax, other.umax) >= 0
                && smin <= other.smin && smax >= other.smax
                && Integer.compareUnsigned(umin32, other.umin32) <= 0
                && Integer.compareUnsigned(umax32, other.umax32) >= 0
                && smin32 <= other.smin32 && smax32 >= other.smax32 && bits.contains(other.bits);
    }

    /** Whether a number is one of these. */
    public boolean contains(long number) {
        return contains(of(number));
    }

    /** The lower 32 bits, the others 0. */
    public Scalar low32() {
        Bounds bounds = new Bounds();
        bounds.bits = bits.low(Integer.SIZE);
        bounds.umin32 = umin32;
        bounds.umax32 = umax32;
        bounds.smin32 = smin32;
        bounds.smax32 = smax32;
        return fromResult(bounds);
    }

    /** The lower 8, 16, 32 or 64 bits, the others 0. */
    public Scalar low(int width) {
        if (width == Long.SIZE) {
            return this;
        }
        if (width == Integer.SIZE) {
            return low32();
        }
        long most = (1L << width) - 1;
        if (Long.compareUnsigned(umax, most) <= 0) {
            return this;
        }
        Bounds bounds = new Bounds();
        bounds.bits = bits.low(width);
        bounds.umax = most;
        if (Integer.compareUnsigned(umax32, (int) most) <= 0) {
            bounds.umin32 = umin32;
            bounds.umax32 = umax32;
        }
        return fromResult(bounds);
    }

    /** As the kernel's log has it: only what is known. */
    @Override
    public String toString() {
        return isConstant() ? Long.toString(bits.value()) : ScalarText.of(bounds());
    }
}
