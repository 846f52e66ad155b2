package io.vhost.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.peer.Peers;
import io.vhost.peer.Program;
import java.nio.file.Path;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The scenario that once made QEMU greet a client twice, step by step with real clients: A is attached, B
 * connects and is killed, A leaves, C connects.
 */
@Tag("peer")
@Timeout(120)
class SeedScenarioTest {
    private static final String GREETING = "{\"QMP\"";
    private static final String NEGOTIATE = "{\"execute\":\"qmp_capabilities\"}";

    @TempDir
    private Path directory;

    @BeforeEach
    void needsSocat() {
        Peers.require("socat");
    }

    @Test
    void i2oneClientAtATime() throws InterruptedException {
        replay(MonitorConfig.Builder::exclusive, false);
    }

    @Test
    void i2severalClientsAtATime() throws InterruptedException {
        replay(config -> config, false);
    }

    @Test
    void i3oneClientAtATimeWithACommandUnderWay() throws InterruptedException {
        replay(MonitorConfig.Builder::exclusive, true);
    }

    @Test
    void i3severalClientsAtATimeWithACommandUnderWay() throws InterruptedException {
        replay(config -> config, true);
    }

    private void replay(UnaryOperator<MonitorConfig.Builder> wishes, boolean slow)
            throws InterruptedException {
        Path socket = directory.resolve("m");
        try (Monitor monitor = new Monitor(socket, wishes); Program a = socat(socket)) {
            a.await(GREETING);
            a.send(NEGOTIATE);
            a.await("{\"return\": {}}");
            Program b = Program.start(List.of("socat", "-d", "-d", "-", "UNIX-CONNECT:" + socket));
            b.await("starting data transfer loop");
            Program.signal("KILL", b.pid());
            b.close();
            if (slow) {
                a.send("{\"execute\":\"x-slow\",\"id\":\"A8\"}");
                monitor.began.await();
            }
            Program.signal("KILL", a.pid());
            a.exitStatus();
            try (Program c = socat(socket)) {
                c.await("}}");
                monitor.release.release();
                c.send(NEGOTIATE);
                c.await("{\"return\": {}}");
                c.send("{\"execute\":\"query-name\",\"id\":\"C1\"}");
                c.await("\"C1\"");
                String all = c.output();
                assertTrue(all.startsWith(GREETING), all);
                assertEquals(1, all.split("QMP", -1).length - 1, all);
                assertFalse(all.contains("A8"), all);
                assertEquals(3, all.lines().count(), all);
            }
        }
    }

    private static Program socat(Path socket) {
        return Program.start(List.of("socat", "-", "UNIX-CONNECT:" + socket));
    }
}
