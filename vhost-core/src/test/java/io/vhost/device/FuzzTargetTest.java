package io.vhost.device;

import io.vhost.queue.ControlException;
import io.vhost.testing.FuzzRounds;
import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The fuzzer's beginnings, and what chance makes of them, in every build. */
@Timeout(300)
class FuzzTargetTest {
    private static final int INPUTS = 500;

    @Test
    void whateverAGuestSendsArrivesAsItIsOrNotAtAll() throws IOException {
        FuzzRounds.run("device", INPUTS, FuzzTargetTest::one);
    }

    private static void one(byte[] input) {
        try {
            FuzzTarget.fuzzerTestOneInput(input);
        } catch (ControlException e) {
            throw new AssertionError(e);
        }
    }
}
