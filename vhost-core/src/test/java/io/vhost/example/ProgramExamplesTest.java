package io.vhost.example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.bpf.Clang;
import io.vhost.device.DeviceListener;
import io.vhost.device.VhostConfig;
import io.vhost.device.VhostDevice;
import io.vhost.driver.DriverConfig;
import io.vhost.driver.VirtioUser;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.server.VhostServer;
import io.vhost.state.QueueCounters.Counter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Tag("peer") // clang
@Timeout(60)
class ProgramExamplesTest {
    @TempDir
    private Path folder;

    /** A guest that sends, and the application's thread that takes what passes. */
    private final class Pair implements AutoCloseable {
        private final LinkedBlockingQueue<VhostDevice> devices = new LinkedBlockingQueue<>();
        private final PacketPool pool = PacketPool.create(64, PacketPool.DEFAULT_HEADROOM + 2048);
        private final Packet[] packets = new Packet[32];
        private final VhostServer server;
        private final VirtioUser driver;
        private final VhostDevice device;
        private long sent;

        private Pair(String name, DeviceListener example) throws Exception {
            Path socket = folder.resolve(name);
            server = VhostServer.listen(socket, VhostConfig.defaults(), new DeviceListener() {
                @Override
                public void newConnection(VhostDevice connected) {
                    example.newConnection(connected);
                }

                @Override
                public void newDevice(VhostDevice started) {
                    example.newDevice(started);
                    devices.add(started);
                }
            });
            driver = VirtioUser.connect(socket, DriverConfig.defaults());
            device = devices.take();
        }

        /** Sends UDP packets from ports one after the other; how many pass. */
        private int send(int source, int target, int count) {
            assertEquals(count, driver.pool().take(packets, 0, count));
            for (int i = 0; i < count; i++) {
                packets[i].copyFrom(new byte[60], 0, 60);
                packets[i].putNetworkShort(12, 0x0800);
                packets[i].putByte(14, 0x45);
                packets[i].putByte(23, 17);
                packets[i].putNetworkInt(26, 0x0A000001);
                packets[i].putNetworkShort(34, source + i);
                packets[i].putNetworkShort(36, target);
            }
            assertEquals(count, driver.transmitBurst(0, packets, 0, count));
            sent += count;
            int passed = 0;
            while (device.queue(1).counters().get(Counter.PACKETS) < sent) {
                int burst = device.queue(1).dequeueBurst(pool, packets, 0, 32);
                pool.release(packets, 0, burst);
                passed += burst;
            }
            return passed;
        }

        private int received() {
            int count = driver.receiveBurst(0, packets, 0, 32);
            for (int i = 0; i < count; i++) {
                assertEquals(0x5254, packets[i].networkShortAt(0));
                packets[i].release();
            }
            return count;
        }

        @Override
        public void close() {
            driver.close();
            server.close();
            pool.close();
        }
    }

    @Test
    void theFirewallBlocksAndOpensPorts() throws Exception {
        ProgramFirewall firewall = new ProgramFirewall(Clang.program(folder, "portfilter"));
        try (Pair guest = new Pair("guest", firewall)) {
            assertEquals(3, guest.send(1000, 53, 3));
            firewall.block(53);
            assertEquals(0, guest.send(1000, 53, 3));
            assertEquals(2, guest.send(1000, 54, 2));
            assertEquals(3, firewall.count(53));
            firewall.open(53);
            assertEquals(1, guest.send(1000, 53, 1));
            assertEquals(0, firewall.count(53));
        }
    }

    @Test
    void theRateLimitHoldsBackWhatIsTooMuch() throws Exception {
        ProgramRateLimit limit = new ProgramRateLimit(
                Clang.program(folder, "ratelimit"), 5, Duration.ofDays(1));
        try (Pair guest = new Pair("guest", limit)) {
            assertEquals(5, guest.send(1000, 80, 12));
            assertEquals(0, guest.send(1000, 80, 3));
            assertEquals(Map.of(0x0100000AL, 10L), limit.dropped());
        }
    }

    @Test
    void theBalancerSpreadsFlowsOverServers() throws Exception {
        ProgramBalancer balancer = new ProgramBalancer(Clang.program(folder, "spread"), 2);
        try (Pair one = new Pair("one", balancer.server("52:54:00:00:00:01"));
                Pair other = new Pair("other", balancer.server("52:54:00:00:00:02"));
                Pair client = new Pair("client", balancer.clients())) {
            assertEquals(0, client.send(1000, 80, 32));
            int first = one.received();
            int second = other.received();
            assertEquals(32, first + second);
            assertTrue(first >= 8 && second >= 8, first + " and " + second);
            // A flow stays where it is.
            for (int i = 0; i < 4; i++) {
                assertEquals(0, client.send(1000, 80, 1));
            }
            first = one.received();
            assertEquals(first == 0 ? 4 : 0, other.received());
            assertTrue(first == 0 || first == 4);
        }
    }
}
