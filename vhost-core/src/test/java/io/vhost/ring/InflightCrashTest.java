package io.vhost.ring;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A device that dies behind any one of its stores has lost no chain and repeats none. */
class InflightCrashTest {
    private static final int SEEDS = 6;

    private static Method play() throws ReflectiveOperationException {
        return StoreCut.load(InflightScenario.class).getMethod(
                "play", boolean.class, int.class, boolean.class, long.class, int[].class);
    }

    private static int play(
            Method play, boolean packed, int size, boolean deviceWrites, long seed, int... cuts)
            throws ReflectiveOperationException {
        try {
            return (int) play.invoke(null, packed, size, deviceWrites, seed, cuts);
        } catch (InvocationTargetException e) {
            throw new AssertionError("size=%d deviceWrites=%b seed=%d cuts=%s"
                    .formatted(size, deviceWrites, seed, Arrays.toString(cuts)), e.getCause());
        }
    }

    /** Every store of a life, those of the beginning included. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aDeviceMayDieBehindEachStore(boolean packed) throws ReflectiveOperationException {
        Method play = play();
        int cutsTried = 0;
        for (int seed = 0; seed < SEEDS; seed++) {
            int size = packed ? 3 + seed % 3 : 4 << seed % 2;
            int made = play(play, packed, size, seed % 4 < 2, seed);
            for (int cut = 1; cut <= made; cut++) {
                play(play, packed, size, seed % 4 < 2, seed, cut);
                cutsTried++;
            }
        }
        assertTrue(cutsTried > 2000, "cuts: " + cutsTried);
    }

    /** Lives of all lengths one after another, so that some end while they recover. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void manyMayDieOneAfterAnother(boolean packed) throws ReflectiveOperationException {
        Method play = play();
        for (int seed = 0; seed < 1000; seed++) {
            Random random = new Random(seed);
            int[] cuts = random.ints(40, 1, 40).toArray();
            int size = packed ? 1 + random.nextInt(9) : 1 << random.nextInt(4);
            play(play, packed, size, random.nextBoolean(), seed, cuts);
        }
    }
}
