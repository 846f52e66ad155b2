package io.vhost.ring;

import io.vhost.testing.FuzzRounds;
import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The fuzzer's beginnings, and what chance makes of them, in every build. */
@Timeout(300)
class FuzzTargetTest {
    private static final int INPUTS = 4000;

    @Test
    void whateverADriverWritesTheDeviceTakesWhatIsThereAndGivesItBack() throws IOException {
        FuzzRounds.run("ring", INPUTS, FuzzTarget::fuzzerTestOneInput);
    }
}
