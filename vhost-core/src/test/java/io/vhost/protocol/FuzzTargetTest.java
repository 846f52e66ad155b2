package io.vhost.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.vhost.os.Proc;
import io.vhost.testing.FuzzRounds;
import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The fuzzer's beginnings, and what chance makes of them, in every build. */
@Timeout(300)
class FuzzTargetTest {
    private static final int INPUTS = 500;

    @Test
    void whateverIsSentTheSessionEndsInOrderAndLeavesNothing() throws IOException {
        FuzzRounds.run("protocol", INPUTS, FuzzTarget::fuzzerTestOneInput);
        assertEquals(0, Proc.descriptorsOf("memfd:fuzz"));
        assertEquals(0, Proc.mapsOf("memfd:fuzz").size());
    }
}
