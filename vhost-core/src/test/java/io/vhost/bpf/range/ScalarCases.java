package io.vhost.bpf.range;

import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.SplittableRandom;

/** Numbers near the places where ranges end, and what may be known of them. */
final class ScalarCases {
    private static final long[] EDGES = {0, 1, 2, 7, 8, 31, 32, 63, 255, 0x7FFF_FFFFL, 0x8000_0000L,
        0xFFFF_FFFFL, 0x1_0000_0000L, Long.MAX_VALUE - 1, Long.MAX_VALUE, Long.MIN_VALUE, Long.MIN_VALUE + 1,
        -256, -2, -1, 0xFFFF_FFFF_0000_0000L, 0xFFFF_FFFF_8000_0000L, 0xFFFF_FFFF_7FFF_FFFFL};

    private ScalarCases() {
    }

    /** A scalar that has a number, of one of many shapes. */
    static Scalar around(SplittableRandom random, long number) {
        Bounds bounds = new Bounds();
        if (random.nextInt(4) == 0) {
            return Scalar.of(number);
        }
        if (random.nextBoolean()) {
            long mask = random.nextBoolean() ? random.nextLong() >>> random.nextInt(64)
                    : 1L << random.nextInt(64);
            bounds.bits(new Tnum(number & ~mask, mask));
        }
        if (random.nextBoolean()) {
            long room = random.nextLong() >>> random.nextInt(64);
            long min = number - room;
            long max = number + room;
            bounds.unsigned(Long.compareUnsigned(min, number) <= 0 ? min : 0,
                    Long.compareUnsigned(max, number) >= 0 ? max : -1);
        }
        if (random.nextBoolean()) {
            long room = random.nextLong() >>> random.nextInt(64);
            bounds.signed(number - room <= number ? number - room : Long.MIN_VALUE,
                    number + room >= number ? number + room : Long.MAX_VALUE);
        }
        if (random.nextBoolean()) {
            int room = random.nextInt() >>> random.nextInt(32);
            int low = (int) number;
            bounds.signed32(low - room <= low ? low - room : Integer.MIN_VALUE,
                    low + room >= low ? low + room : Integer.MAX_VALUE);
        }
        if (random.nextBoolean()) {
            int room = random.nextInt() >>> random.nextInt(32);
            int low = (int) number;
            bounds.unsigned32(Integer.compareUnsigned(low - room, low) <= 0 ? low - room : 0,
                    Integer.compareUnsigned(low + room, low) >= 0 ? low + room : -1);
        }
        Scalar scalar = Scalar.from(bounds);
        assertNotNull(scalar);
        assertTrue(scalar.contains(number), () -> scalar + " does not have " + number);
        return scalar;
    }

    static long number(SplittableRandom random) {
        long edge = EDGES[random.nextInt(EDGES.length)];
        return switch (random.nextInt(3)) {
            case 0 -> edge;
            case 1 -> edge + random.nextInt(-40, 40);
            default -> random.nextLong() >> random.nextInt(64);
        };
    }
}
