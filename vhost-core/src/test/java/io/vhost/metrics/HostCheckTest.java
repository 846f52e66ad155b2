package io.vhost.metrics;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HostCheckTest {
    private final HostCheck check = new HostCheck(List.of("Switch.example"));

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1:9400", "127.0.0.1", "[::1]:9400", "[2001:db8::1]", "localhost:9400",
            "LOCALHOST", "switch.example:1", "SWITCH.EXAMPLE"})
    void addressesAndNamesOfThisMachineAreServed(String host) {
        assertTrue(check.isOurs(host));
    }

    @ParameterizedTest
    @ValueSource(strings = {"evil.example", "evil.example:9400", "switch.example.evil.example", "", ":9400",
            "127.0.0.1.evil.example", "localhost@evil.example", "[::1", "a b", "localhost,evil"})
    void othersAreNot(String host) {
        assertFalse(check.isOurs(host), host);
    }
}
