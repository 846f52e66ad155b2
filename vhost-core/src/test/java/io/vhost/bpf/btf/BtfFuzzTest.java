package io.vhost.bpf.btf;

import io.vhost.Rounds;
import io.vhost.bpf.FuzzTarget;
import org.junit.jupiter.api.Test;

/**
 * Bent blobs: each is refused with the typed error, or can be used to its end.
 * {@code -Dbpf.blobs=1000000} is the long form.
 */
class BtfFuzzTest {
    private static final int BLOBS = Rounds.of("bpf.blobs", 100_000);
    private static final int BENT_EACH = 50;

    @Test
    void bentBlobsMeetOnlyTheTypedError() {
        long seed = Long.getLong("bpf.seed", System.nanoTime());
        for (int i = 0; i < BLOBS / BENT_EACH; i++) {
            BtfGenerator generator = new BtfGenerator(seed + i);
            byte[] blob = generator.next();
            try {
                for (int change = 0; change < BENT_EACH; change++) {
                    FuzzTarget.blob(generator.bent(blob));
                }
            } catch (Throwable e) {
                throw new AssertionError("-Dbpf.seed=" + (seed + i), e);
            }
        }
    }
}
