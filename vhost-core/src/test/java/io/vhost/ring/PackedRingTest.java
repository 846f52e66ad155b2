package io.vhost.ring;

import java.util.Random;
import java.util.stream.IntStream;

/** The suite on a packed ring, and what only a packed ring has. */
class PackedRingTest extends RingSuite {
    @Override
    RingFormat format() {
        return RingFormat.PACKED;
    }

    @Override
    IntStream sizes() {
        return IntStream.of(1, 2, 3, 4, 5, 64, 255, 256, 1000, 4096, 32767, 32768);
    }

    @Override
    int randomSize(Random random) {
        return 1 + random.nextInt(300);
    }
}
