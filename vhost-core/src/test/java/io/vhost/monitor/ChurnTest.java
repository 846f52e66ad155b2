package io.vhost.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.Rounds;
import io.vhost.os.Descriptor;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Clients that come and go. */
@Timeout(300)
class ChurnTest {
    private static final int CLIENTS = Rounds.of("churn.clients", 10_000);
    /** Far less than a tenth of a session's buffer for each client would be. */
    private static final long ALLOWANCE = 3 << 20;

    @TempDir
    private Path directory;

    @Test
    void i14TenThousandClientsLeaveNothing() {
        Path socket = directory.resolve("m");
        try (Monitor _ = new Monitor(socket, config -> config); Client witness = Client.negotiated(socket)) {
            churn(socket, 1000);
            settle(witness);
            int descriptors = Descriptor.openDescriptors();
            int threads = Thread.activeCount();
            long heap = heap();
            churn(socket, CLIENTS);
            settle(witness);
            assertEquals(descriptors, Descriptor.openDescriptors());
            assertTrue(Thread.activeCount() <= threads + 1,
                    "threads: " + threads + ", then " + Thread.activeCount());
            long growth = heap() - heap;
            assertTrue(growth < ALLOWANCE, "the heap has grown by " + growth + " bytes");
        }
    }

    private static void churn(Path socket, int count) {
        int served = 0;
        while (served < count) {
            try (Client client = Client.connect(socket)) {
                String line = client.line();
                // Null when those before have not been noticed to be gone, and all places are taken.
                if (line != null) {
                    assertTrue(line.startsWith("{\"QMP\""), line);
                    served++;
                }
            }
        }
    }

    /** Waits until the witness is alone. */
    private static void settle(Client witness) {
        int sessions;
        do {
            sessions = witness.call("{\"execute\":\"x-query-monitor\"}").split("peer-uid", -1).length - 1;
        } while (sessions != 1);
    }

    private static long heap() {
        long least = Long.MAX_VALUE;
        for (int i = 0; i < 5; i++) {
            System.gc();
            Runtime runtime = Runtime.getRuntime();
            least = Math.min(least, runtime.totalMemory() - runtime.freeMemory());
        }
        return least;
    }
}
