package io.vhost.app.vswitch;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.sun.management.ThreadMXBean;
import io.vhost.app.Await;
import io.vhost.app.demo.Exchange;
import io.vhost.device.VhostConfig;
import io.vhost.driver.DriverConfig;
import io.vhost.server.VhostServer;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The thread of {@code switch} costs the garbage collector nothing while it moves packets. */
@Timeout(value = 180, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SwitchAllocationTest {
    private static final long PACKETS = 50_000;

    @TempDir
    private Path directory;

    @Test
    void switchingAllocatesNothing() throws IOException {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        Path one = directory.resolve("one");
        Path other = directory.resolve("other");
        List<Switch.Opening> openings = List.of(opening(one), opening(other));
        List<Long> allocated = new ArrayList<>();
        try (Switch ethernet = new Switch(
                        VhostConfig.defaults(), List.of("one", "other"), openings, null,
                        LearningSwitch.AGE, false);
                Exchange exchange =
                        Exchange.between(one, other, DriverConfig.defaults(), 64, Long.MAX_VALUE).start()) {
            long thread = threadOf("switch");
            // Interpreted code allocates: rounds until the compiler is through.
            do {
                long before = threads.getThreadAllocatedBytes(thread);
                long goal = exchange.received() + PACKETS;
                Await.until("more packets", () -> exchange.received() >= goal);
                ethernet.check();
                allocated.add(threads.getThreadAllocatedBytes(thread) - before);
            } while (allocated.getLast() != 0 && allocated.size() < 40);
            exchange.stop();
            exchange.finish();
        }
        assertEquals(0, allocated.getLast(),
                () -> "bytes in rounds of " + PACKETS + " packets: " + allocated);
    }

    private static Switch.Opening opening(Path path) {
        return (config, socket) -> VhostServer.listen(path, config, socket)::close;
    }

    private static long threadOf(String name) {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().equals(name))
                .findFirst().orElseThrow().threadId();
    }
}
