package io.vhost.app.service;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class InheritedPortTest {
    private static List<InheritedPort> of(String pid, String count, String names) {
        return InheritedPort.of(Map.of("LISTEN_PID", pid, "LISTEN_FDS", count, "LISTEN_FDNAMES", names), 7);
    }

    @Test
    void socketsHaveTheNamesOfTheirUnits() {
        assertEquals(List.of(new InheritedPort(3, "a:3"), new InheritedPort(4, "fd:4"),
                new InheritedPort(5, "fd:5")), of("7", "3", "a:"));
        assertEquals(List.of(), of("7", "0", ""));
    }

    @Test
    void socketsOfAnotherProcessAreNotOurs() {
        assertEquals(List.of(), of("8", "1", ""));
        assertEquals(List.of(), InheritedPort.of(Map.of("LISTEN_FDS", "1"), 7));
        assertEquals(List.of(), InheritedPort.of(Map.of(), 7));
    }

    @ParameterizedTest
    @CsvSource({"7,x", "7,-1", "7,1001", "7,99999999999", "x,1", "7,''"})
    void whatIsNoNumberIsNamed(String pid, String count) {
        String text = assertThrows(IllegalArgumentException.class, () -> of(pid, count, "")).getMessage();
        assertTrue(text.startsWith("LISTEN_FDS=" + count + " LISTEN_PID=" + pid + ": "), text);
    }

    @Test
    void aThousandIsTheMost() {
        assertEquals(1000, of("7", "1000", "").size());
    }
}
