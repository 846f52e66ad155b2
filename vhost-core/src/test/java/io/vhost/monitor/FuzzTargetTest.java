package io.vhost.monitor;

import io.vhost.Rounds;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The fuzzer's beginnings, and what chance makes of them, in every build; more of it with
 * {@code -Dmonitor.inputs=20000}.
 */
@Timeout(300)
class FuzzTargetTest {
    private static final Path SEEDS = Path.of("src", "test", "resources", "fuzz", "monitor");
    private static final int INPUTS = Rounds.of("monitor.inputs", 5_000);
    private static final int MOST_CHANGES = 8;

    @Test
    void whateverIsSentEveryLineIsAMessageAndTheNextCommandIsAnswered() throws IOException {
        List<Path> seeds;
        try (Stream<Path> files = Files.list(SEEDS)) {
            seeds = files.sorted().toList();
        }
        Random random = new Random(20261121);
        for (Path seed : seeds) {
            byte[] given = Files.readAllBytes(seed);
            FuzzTarget.fuzzerTestOneInput(given);
            for (int i = 0; i < INPUTS; i++) {
                byte[] changed = given.clone();
                for (int j = random.nextInt(MOST_CHANGES); j >= 0; j--) {
                    int at = random.nextInt(changed.length);
                    changed[at] = random.nextBoolean() ? (byte) random.nextInt()
                            : given[random.nextInt(given.length)];
                }
                FuzzTarget.fuzzerTestOneInput(changed);
            }
        }
    }
}
