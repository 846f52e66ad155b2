package io.vhost.peer;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.vhost.monitor.MonitorClient;
import io.vhost.monitor.command.CommandException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A Linux guest that turns against its back-end: its rings are rewritten in its own memory while its driver
 * uses them. Two other guests must not notice, and the guest has its network again when its driver begins
 * anew. {@code -Dguests=full} rewrites ten times as often.
 */
@Tag("peer")
@Timeout(600)
class HostileGuestTest {
    private static final int WRITES = "full".equals(System.getProperty("guests")) ? 20_000 : 2_000;
    private static final int ENTRIES = 256;

    @TempDir
    private Path directory;

    @BeforeEach
    void needs() {
        LinuxGuest.require();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "packed=on"})
    void aGuestThatRewritesItsRingsHarmsNobodyElse(String card) throws IOException, CommandException {
        List<Path> sockets = Stream.of("a", "b", "c").map(directory::resolve).toList();
        Path monitor = directory.resolve("m");
        try (SwitchProcess ethernet = SwitchProcess.start("--socket-path",
                        String.join(",", sockets.stream().map(Path::toString).toList()),
                        "--monitor", monitor.toString());
                LinuxGuest a = LinuxGuest.start(sockets.get(0), 1, "");
                LinuxGuest b = LinuxGuest.start(sockets.get(1), 2, "")) {
            a.awaitBoot();
            b.awaitBoot();
            a.awaitPing(LinuxGuest.address(2));
            try (LinuxGuest hostile = LinuxGuest.start(sockets.get(2), 3, card)) {
                attack(ethernet, a, hostile, card, monitor);
            }
            try (LinuxGuest again = LinuxGuest.start(sockets.get(2), 3, card)) {
                again.awaitBoot();
                again.awaitPing(LinuxGuest.address(1));
            }
            a.awaitPingGoesOn();
        }
    }

    private static void attack(
            SwitchProcess ethernet, LinuxGuest a, LinuxGuest hostile, String card, Path monitor)
            throws IOException, CommandException {
        hostile.awaitBoot();
        hostile.awaitPing(LinuxGuest.address(1));
        assertEquals(!card.isEmpty(), hostile.hasPackedRings());
        a.beginPing(LinuxGuest.address(2));
        a.awaitPingGoesOn();
        hostile.send("ping -i 0.01 " + LinuxGuest.address(1) + " > /dev/null 2>&1 &");
        rewriteRings(hostile, monitor);
        ethernet.await("fenced");
        a.awaitPingGoesOn();
    }

    private static void rewriteRings(LinuxGuest guest, Path monitor)
            throws IOException, CommandException {
        Random random = new Random(1);
        try (MonitorClient client = MonitorClient.connect(monitor);
                FileChannel memory = FileChannel.open(guest.memory(), StandardOpenOption.WRITE)) {
            String path = device(client);
            for (int queue = 0; queue < 2; queue++) {
                Map<?, ?> status = (Map<?, ?>) client.call(
                        "x-query-virtio-queue-status", Map.of("path", path, "queue", queue));
                long[] areas = {number(status, "vring-desc"), number(status, "vring-avail")};
                for (int i = 0; i < WRITES; i++) {
                    long at = areas[i % 2] + random.nextInt(i % 2 == 0 ? 16 * ENTRIES : 2 * ENTRIES) / 8 * 8L;
                    memory.write(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN)
                            .putLong(0, random.nextLong() >>> random.nextInt(64)), at);
                }
            }
        }
    }

    /** The device that connected last. */
    private static String device(MonitorClient client) throws IOException, CommandException {
        List<?> devices = (List<?>) client.call("x-query-virtio", Map.of());
        assertEquals(3, devices.size());
        return (String) ((Map<?, ?>) devices.getLast()).get("path");
    }

    private static long number(Map<?, ?> status, String name) {
        return ((Number) status.get(name)).longValue();
    }
}
