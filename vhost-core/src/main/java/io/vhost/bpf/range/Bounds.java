package io.vhost.bpf.range;

/**
 * Bounds of a number on their way to a {@link Scalar}: what each says of the others is put in. Begins with
 * any number. Thread: one.
 */
final class Bounds {
    private static final long LOW = 0xFFFFFFFFL;
    private static final int ROUNDS = 3;

    Tnum bits = Tnum.UNKNOWN;
    long umin;
    long umax = -1;
    long smin = Long.MIN_VALUE;
    long smax = Long.MAX_VALUE;
    int umin32;
    int umax32 = -1;
    int smin32 = Integer.MIN_VALUE;
    int smax32 = Integer.MAX_VALUE;
    private boolean empty;

    void bits(Tnum more) {
        Tnum both = bits.intersect(more);
        if (both == null) {
            empty = true;
        } else {
            bits = both;
        }
    }

    void unsigned(long min, long max) {
        umin = Long.compareUnsigned(min, umin) > 0 ? min : umin;
        umax = Long.compareUnsigned(max, umax) < 0 ? max : umax;
    }

    void signed(long min, long max) {
        smin = Math.max(smin, min);
        smax = Math.min(smax, max);
    }

    void unsigned32(int min, int max) {
        umin32 = Integer.compareUnsigned(min, umin32) > 0 ? min : umin32;
        umax32 = Integer.compareUnsigned(max, umax32) < 0 ? max : umax32;
    }

    void signed32(int min, int max) {
        smin32 = Math.max(smin32, min);
        smax32 = Math.min(smax32, max);
    }

    /** Puts in what each says of the others; false if no number is in all bounds. */
    boolean sync() {
        for (int i = 0; i < ROUNDS && !empty; i++) {
            fromBits();
            signs();
            signs32();
            lowFromWhole();
            wholeFromLow();
            signs();
            signs32();
            intoBits();
        }
        if (!empty) {
            fromBits();
            signs();
            signs32();
        }
        return !empty;
    }

    private void fromBits() {
        unsigned(bits.value(), bits.max());
        signed(bits.value() | (bits.mask() & Long.MIN_VALUE), bits.value() | (bits.mask() & Long.MAX_VALUE));
        int value = (int) bits.value();
        int mask = (int) bits.mask();
        unsigned32(value, value | mask);
        signed32(value | (mask & Integer.MIN_VALUE), value | (mask & Integer.MAX_VALUE));
    }

    /** Each half of the number line is looked at alone: signed and unsigned order are the same there. */
    private void signs() {
        long upTo = umax < 0 ? Long.MAX_VALUE : umax;
        long from = umin < 0 ? umin : Long.MIN_VALUE;
        long lowest = Math.max(umin, smin);
        long highest = Math.min(upTo, smax);
        boolean positive = umin >= 0 && lowest <= highest && highest >= 0;
        lowest = Math.max(lowest, 0);
        long lowestNegative = Math.max(from, smin);
        long highestNegative = Math.min(umax, smax);
        highestNegative = highestNegative < 0 ? highestNegative : -1;
        boolean negative = umax < 0 && lowestNegative <= highestNegative;
        if (Long.compareUnsigned(umin, umax) > 0 || (!positive && !negative)) {
            empty = true;
            return;
        }
        umin = positive ? lowest : lowestNegative;
        umax = negative ? highestNegative : highest;
        smin = negative ? lowestNegative : lowest;
        smax = positive ? highest : highestNegative;
    }

    private void signs32() {
        int upTo = umax32 < 0 ? Integer.MAX_VALUE : umax32;
        int from = umin32 < 0 ? umin32 : Integer.MIN_VALUE;
        int lowest = Math.max(umin32, smin32);
        int highest = Math.min(upTo, smax32);
        boolean positive = umin32 >= 0 && lowest <= highest && highest >= 0;
        lowest = Math.max(lowest, 0);
        int lowestNegative = Math.max(from, smin32);
        int highestNegative = Math.min(umax32, smax32);
        highestNegative = highestNegative < 0 ? highestNegative : -1;
        boolean negative = umax32 < 0 && lowestNegative <= highestNegative;
        if (Integer.compareUnsigned(umin32, umax32) > 0 || (!positive && !negative)) {
            empty = true;
            return;
        }
        umin32 = positive ? lowest : lowestNegative;
        umax32 = negative ? highestNegative : highest;
        smin32 = negative ? lowestNegative : lowest;
        smax32 = positive ? highest : highestNegative;
    }

    private void lowFromWhole() {
        if (umin >>> 32 == umax >>> 32) {
            unsigned32((int) umin, (int) umax);
        }
        if (smin >> 32 == smax >> 32) {
            unsigned32((int) smin, (int) smax);
        }
        // From one block of 2^32 into the next: the lower half goes through 0.
        if ((umin >>> 32) + 1 == umax >>> 32 && (int) umin < 0 && (int) umax >= 0) {
            signed32((int) umin, (int) umax);
        }
        if ((smin >> 32) + 1 == smax >> 32 && (int) smin < 0 && (int) smax >= 0) {
            signed32((int) smin, (int) smax);
        }
    }

    private void wholeFromLow() {
        unsigned((umin & ~LOW) | (umin32 & LOW), (umax & ~LOW) | (umax32 & LOW));
        signed((smin & ~LOW) | (umin32 & LOW), (smax & ~LOW) | (umax32 & LOW));
        if (smin >= Integer.MIN_VALUE && smax <= Integer.MAX_VALUE) {
            signed(smin32, smax32);
        }
    }

    private void intoBits() {
        if (empty) {
            return;
        }
        bits(Tnum.range(umin, umax));
        Tnum low = bits.low(Integer.SIZE).intersect(Tnum.range(umin32 & LOW, umax32 & LOW));
        if (low == null) {
            empty = true;
        } else {
            bits = bits.withLow(low);
        }
    }
}
