package io.vhost.testing;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** What a build runs of a fuzzer: its beginnings, and what chance makes of them, the same each time. */
public final class FuzzRounds {
    private static final int MOST_CHANGES = 8;
    private static final int MOST_ADDED = 48;

    private FuzzRounds() {}

    /**
     * Runs the beginnings of {@code src/test/resources/fuzz/name}, and each with changes.
     *
     * @param name of the folder
     * @param changed inputs that are made of each beginning
     * @param target throws if an input is a find; it is named in what this throws then
     */
    public static void run(String name, int changed, Consumer<byte[]> target) throws IOException {
        List<Path> seeds;
        try (Stream<Path> files = Files.list(Path.of("src", "test", "resources", "fuzz", name))) {
            seeds = files.sorted().toList();
        }
        Random random = new Random(20261130);
        for (Path seed : seeds) {
            byte[] given = Files.readAllBytes(seed);
            one(target, given);
            for (int i = 0; i < changed; i++) {
                one(target, change(given, random));
            }
        }
    }

    /** Some bytes are others, and often there are more behind them: the scripts go on with what comes. */
    private static byte[] change(byte[] given, Random random) {
        byte[] changed = given.clone();
        if (random.nextBoolean()) {
            byte[] added = new byte[random.nextInt(MOST_ADDED)];
            random.nextBytes(added);
            changed = Arrays.copyOf(given, given.length + added.length);
            System.arraycopy(added, 0, changed, given.length, added.length);
        }
        for (int i = random.nextInt(MOST_CHANGES); i > 0; i--) {
            changed[random.nextInt(changed.length)] = random.nextBoolean()
                    ? (byte) random.nextInt() : given[random.nextInt(given.length)];
        }
        return changed;
    }

    private static void one(Consumer<byte[]> target, byte[] input) {
        try {
            target.accept(input);
        } catch (RuntimeException | Error find) {
            throw new AssertionError("input " + HexFormat.of().formatHex(input), find);
        }
    }
}
