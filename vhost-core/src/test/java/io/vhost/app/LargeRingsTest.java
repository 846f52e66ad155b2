package io.vhost.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.driver.DriverConfig;
import io.vhost.driver.VirtioUser;
import io.vhost.net.Packet;
import io.vhost.peer.MainProcess;
import io.vhost.peer.Program;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Front-ends choose how large their rings are, and what a ring needs of the heap is in proportion:
 * connections with the largest ones neither end the process nor keep rings of the usual size out.
 */
@Tag("slow")
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LargeRingsTest {
    private static final int CONNECTIONS = 40;

    @TempDir
    private Path directory;

    @ParameterizedTest
    @ValueSource(strings = {"forward", "forward --async --dma worker", "switch"})
    void theyAreRefusedBeforeTheHeapEnds(String command) throws Exception {
        List<Path> sockets = Stream.of("a", "b", "c", "d").map(directory::resolve).toList();
        List<String> words = new ArrayList<>(List.of(command.split(" ")));
        words.addAll(List.of("--quiet", "--socket-path",
                String.join(",", sockets.stream().map(Path::toString).toList())));
        List<String> options = List.of("-Xmx96m", "-XX:+UseSerialGC");
        try (Program program = MainProcess.start(options, Main.class, words.toArray(String[]::new))) {
            sockets.forEach(MainProcess::awaitListening);
            for (int round = 0; round < 2; round++) {
                List<VirtioUser> large = new ArrayList<>();
                try (VirtioUser before = VirtioUser.connect(sockets.get(2), DriverConfig.defaults())) {
                    int refused = connect(sockets.get(0), large);
                    assertTrue(refused > 0 && large.size() > 0, refused + " of " + CONNECTIONS + " refused");
                    try (VirtioUser after = VirtioUser.connect(sockets.get(3), DriverConfig.defaults())) {
                        exchange(before, after);
                    }
                } finally {
                    large.forEach(VirtioUser::close);
                }
                assertFalse(program.ended(Duration.ZERO), program::output);
            }
            program.terminate();
            assertEquals(0, program.exitStatus(), program::output);
        }
    }

    private static int connect(Path socket, List<VirtioUser> large) {
        DriverConfig config = DriverConfig.defaults().withQueues(1, 32768).withPackets(64, 2048, 2048);
        int refused = 0;
        for (int i = 0; i < CONNECTIONS; i++) {
            try {
                large.add(VirtioUser.connect(socket, config));
            } catch (IOException _) {
                refused++;
            }
        }
        return refused;
    }

    private static void exchange(VirtioUser from, VirtioUser to) {
        Packet[] packets = new Packet[1];
        int received = 0;
        while (received < 100) {
            if (from.pool().take(packets, 0, 1) == 1) {
                packets[0].reset(60);
                packets[0].putNetworkLong(0, -1); // to all
                from.pool().release(packets, 0, 1 - from.transmitBurst(0, packets, 0, 1));
            }
            int count = to.receiveBurst(0, packets, 0, 1);
            to.pool().release(packets, 0, count);
            received += count;
            LockSupport.parkNanos(1000);
        }
    }
}
