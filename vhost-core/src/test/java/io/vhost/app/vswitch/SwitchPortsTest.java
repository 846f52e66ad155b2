package io.vhost.app.vswitch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.vhost.device.VhostConfig;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The ports that a switch says it has. */
class SwitchPortsTest {
    @Test
    void aPortWhoseSocketDoesNotCloseIsGoneNevertheless() throws IOException {
        try (Switch ethernet = new Switch(VhostConfig.defaults(), List.of(), List.of(), null,
                Duration.ofMinutes(5), true)) {
            SwitchMember _ = ethernet.add("port", (_, _) -> () -> {
                throw new IllegalStateException("on purpose");
            });
            assertEquals("on purpose", assertThrows(IllegalStateException.class,
                    () -> ethernet.remove("port")).getMessage());
            assertEquals(List.of(), ethernet.members());
            SwitchMember again = ethernet.add("port", (_, _) -> () -> {});
            assertEquals(List.of(again), ethernet.members());
            ethernet.remove("port");
            assertEquals(List.of(), ethernet.members());
        }
    }
}
