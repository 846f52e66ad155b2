package io.vhost.app.top;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Ports of a switch, those without queues of their own among them. */
class TopPortsTest {
    private static Map<String, Long> counters(long connected, long packets) {
        return Map.of("connected", connected, "rx-packets", packets, "rx-bytes", packets * 125_000,
                "tx-packets", 2 * packets, "tx-bytes", 2 * packets * 125_000,
                "dropped-packets", packets, "dropped-bytes", 0L);
    }

    @Test
    void aLineTellsRatesSinceTheLastOne() {
        Map<String, Map<String, Long>> ports = new LinkedHashMap<>();
        ports.put("0 /run/a", counters(1, 3000));
        ports.put("2 /run/uplink", counters(0, 3000));
        TopPorts before = new TopPorts(Map.of("0 /run/a", counters(1, 1000)));
        assertEquals(List.of("",
                "port                rx/s   Gbit/s       tx/s   Gbit/s    drops",
                "0 /run/a            1000    1.000       2000    2.000     3000",
                "2 /run/uplink (nobody connected)"), new TopPorts(ports).since(before, 2));
    }

    @Test
    void aProgramThatIsNoSwitchHasNone() {
        assertEquals(List.of(), TopPorts.NONE.since(TopPorts.NONE, 1));
    }
}
