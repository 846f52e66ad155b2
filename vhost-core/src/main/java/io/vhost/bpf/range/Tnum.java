package io.vhost.bpf.range;

/**
 * A number of which some bits are known: a tristate number, as the kernel's {@code struct tnum}.
 *
 * <p>Thread: immutable; any thread.
 *
 * @param value the bits that are known to be 1
 * @param mask  the bits that are not known; none of them is in {@code value}
 */
public record Tnum(long value, long mask) {
    /** Nothing is known. */
    public static final Tnum UNKNOWN = new Tnum(0, -1);

    private static final long LOW = 0xFFFFFFFFL;

    /** A number that is known. */
    public static Tnum of(long number) {
        return new Tnum(number, 0);
    }

    /** The least that has all numbers from {@code min} to {@code max}, both unsigned. */
    public static Tnum range(long min, long max) {
        int bits = Long.SIZE - Long.numberOfLeadingZeros(min ^ max);
        long differ = bits == Long.SIZE ? -1 : (1L << bits) - 1;
        return new Tnum(min & ~differ, differ);
    }

    /** Whether all bits are known. */
    public boolean isConstant() {
        return mask == 0;
    }

    /** The largest number, unsigned. */
    public long max() {
        return value | mask;
    }

    /** Whether every number of the other is one of these. */
    public boolean contains(Tnum other) {
        return (other.mask & ~mask) == 0 && (other.value & ~mask) == value;
    }

    /** The numbers that both have, or null if there are none. */
    public Tnum intersect(Tnum other) {
        if (((value ^ other.value) & ~mask & ~other.mask) != 0) {
            return null;
        }
        long unknown = mask & other.mask;
        return new Tnum((value | other.value) & ~unknown, unknown);
    }

    /** Sum. */
    public Tnum add(Tnum other) {
        long least = value + other.value;
        long carried = (least + mask + other.mask) ^ least;
        return without(least, carried | mask | other.mask);
    }

    /** Difference. */
    public Tnum subtract(Tnum other) {
        long between = value - other.value;
        long borrowed = (between + mask) ^ (between - other.mask);
        return without(between, borrowed | mask | other.mask);
    }

    /** Product: the sum of the shifted factors, one for each bit. */
    public Tnum multiply(Tnum other) {
        Tnum unknown = of(0);
        Tnum shifted = other;
        long known = value;
        long maybe = mask;
        while ((known | maybe) != 0) {
            if ((known & 1) != 0) {
                unknown = unknown.add(new Tnum(0, shifted.mask));
            } else if ((maybe & 1) != 0) {
                unknown = unknown.add(new Tnum(0, shifted.max()));
            }
            known >>>= 1;
            maybe >>>= 1;
            shifted = shifted.shiftLeft(1);
        }
        return of(value * other.value).add(unknown);
    }

    /** Bitwise and. */
    public Tnum and(Tnum other) {
        long ones = value & other.value;
        return new Tnum(ones, max() & other.max() & ~ones);
    }

    /** Bitwise or. */
    public Tnum or(Tnum other) {
        long ones = value | other.value;
        return new Tnum(ones, (mask | other.mask) & ~ones);
    }

    /** Bitwise exclusive or. */
    public Tnum xor(Tnum other) {
        return without(value ^ other.value, mask | other.mask);
    }

    /** Shift left by 0 to 63. */
    public Tnum shiftLeft(int distance) {
        return new Tnum(value << distance, mask << distance);
    }

    /** Shift right by 0 to 63, zeros come in. */
    public Tnum shiftRight(int distance) {
        return new Tnum(value >>> distance, mask >>> distance);
    }

    /** Shift right by 0 to 63, the sign comes in. */
    public Tnum shiftRightSigned(int distance) {
        return new Tnum(value >> distance, mask >> distance);
    }

    /** The lower {@code bits} bits, 1 to 64; the others are 0. */
    public Tnum low(int bits) {
        long kept = -1L >>> (Long.SIZE - bits);
        return new Tnum(value & kept, mask & kept);
    }

    /** The lower {@code bits} bits, 1 to 64; the others are as the highest of them. */
    public Tnum signExtended(int bits) {
        int distance = Long.SIZE - bits;
        return shiftLeft(distance).shiftRightSigned(distance);
    }

    /** All eight bytes in the other order. */
    public Tnum reversed() {
        return new Tnum(Long.reverseBytes(value), Long.reverseBytes(mask));
    }

    /** These upper 32 bits with the lower 32 bits of another. */
    public Tnum withLow(Tnum other) {
        return new Tnum((value & ~LOW) | (other.value & LOW), (mask & ~LOW) | (other.mask & LOW));
    }

    private static Tnum without(long number, long unknown) {
        return new Tnum(number & ~unknown, unknown);
    }

    @Override
    public String toString() {
        return mask == 0 ? "0x" + Long.toHexString(value)
                : "(0x" + Long.toHexString(value) + "; 0x" + Long.toHexString(mask) + ")";
    }
}
