package io.vhost.app.vswitch;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.sun.management.ThreadMXBean;
import io.vhost.app.Await;
import io.vhost.app.demo.Exchange;
import io.vhost.app.polling.PortPrograms;
import io.vhost.device.VhostConfig;
import io.vhost.driver.DriverConfig;
import io.vhost.os.CpuAffinity;
import io.vhost.server.VhostServer;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The threads of {@code switch} cost the garbage collector nothing while they move packets. */
@Timeout(value = 180, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SwitchAllocationTest {
    private static final long PACKETS = 50_000;

    @TempDir
    private Path directory;

    @Test
    void switchingAllocatesNothing() throws IOException {
        assertAllocatesNothing(List.of(), "switch");
    }

    @Test
    void twoThreadsAllocateNothing() throws IOException {
        int[] cpus = CpuAffinity.allowedCpus();
        assertAllocatesNothing(List.of(cpus[0], cpus[cpus.length - 1]), "switch 0", "switch 1");
    }

    private void assertAllocatesNothing(List<Integer> cpus, String... names) throws IOException {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        Path one = directory.resolve("one");
        Path other = directory.resolve("other");
        List<Switch.Opening> openings = List.of(opening(one), opening(other));
        List<Long> allocated = new ArrayList<>();
        try (Switch ethernet = new Switch(
                        VhostConfig.defaults(), List.of("one", "other"), openings, null,
                        LearningSwitch.AGE, false, cpus, PortPrograms.Keeper.NONE);
                Exchange exchange =
                        Exchange.between(one, other, DriverConfig.defaults(), 64, Long.MAX_VALUE).start()) {
            List<Long> ids = Stream.of(names).map(SwitchAllocationTest::threadOf).toList();
            // Interpreted code allocates: rounds until the compiler is through.
            do {
                long before = allocatedBy(threads, ids);
                long goal = exchange.received() + PACKETS;
                Await.until("more packets", () -> exchange.received() >= goal);
                ethernet.check();
                allocated.add(allocatedBy(threads, ids) - before);
            } while (allocated.getLast() != 0 && allocated.size() < 40);
            exchange.stop();
            exchange.finish();
        }
        assertEquals(0, allocated.getLast(),
                () -> "bytes in rounds of " + PACKETS + " packets: " + allocated);
    }

    private static long allocatedBy(ThreadMXBean threads, List<Long> ids) {
        return ids.stream().mapToLong(threads::getThreadAllocatedBytes).sum();
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
