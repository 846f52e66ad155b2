package io.vhost.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.app.Await;
import io.vhost.device.DeviceListener;
import io.vhost.device.PacketPorts;
import io.vhost.device.ProgramChain;
import io.vhost.device.ProgramLink;
import io.vhost.device.VhostConfig;
import io.vhost.device.VhostDevice;
import io.vhost.driver.DriverConfig;
import io.vhost.driver.VirtioUser;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.server.VhostServer;
import io.vhost.state.RingViolation;
import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.stream.Collectors;
import javax.management.Attribute;
import javax.management.AttributeNotFoundException;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Scrapes of a server with a driver on its other side. */
@Timeout(60)
class MetricsServerTest {
    private static final InetSocketAddress ANY_PORT = InetSocketAddress.createUnresolved("127.0.0.1", 0);
    private static final int PACKETS = 5;
    private static final int LENGTH = 100;
    private static final List<PortTraffic> TRAFFIC =
            List.of(new PortTraffic("a \"port\"", true, 1, 2, 3, 4, 5, 6));

    @TempDir
    private Path directory;

    private final PortAccounts accounts = new PortAccounts();
    private final BlockingQueue<VhostDevice> devices = new LinkedBlockingQueue<>();

    private final class Listener implements DeviceListener {
        @Override
        public void newDevice(VhostDevice device) {
            devices.add(device);
        }
    }

    private MetricsServer serve() throws IOException {
        return MetricsServer.start(ANY_PORT, List.of("127.0.0.1"), accounts, () -> TRAFFIC, List::of);
    }

    /** An answer to a request with these headers, with its status line. */
    static String ask(MetricsServer server, String path, String... headers) throws IOException {
        URI uri = URI.create(server.url());
        try (Socket socket = new Socket(uri.getHost(), uri.getPort())) {
            String request = "GET " + path + " HTTP/1.1\r\nConnection: close\r\n"
                    + Arrays.stream(headers).map(header -> header + "\r\n").collect(Collectors.joining())
                    + "\r\n";
            socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private static List<String> scrape(MetricsServer server) throws IOException {
        try (InputStream in = URI.create(server.url()).toURL().openStream()) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
        }
    }

    private static void assertLine(String line, List<String> scraped) {
        assertTrue(scraped.contains(line), () -> line + " is not in\n" + String.join("\n", scraped));
    }

    /** Moves packets from a driver into the application. */
    private void move(Path socket) throws Exception {
        try (VirtioUser driver = VirtioUser.connect(socket, DriverConfig.defaults());
                PacketPool pool = PacketPool.create(64, 2048)) {
            VhostDevice device = devices.take();
            Packet[] packets = new Packet[PACKETS];
            for (int i = 0; i < PACKETS; i++) {
                packets[i] = driver.pool().take();
                packets[i].reset(LENGTH);
            }
            assertEquals(PACKETS, driver.transmitBurst(0, packets, 0, PACKETS));
            int got = device.queue(1).dequeueBurst(pool, packets, 0, PACKETS);
            assertEquals(PACKETS, got);
            pool.release(packets, 0, got);
        }
    }

    private void awaitGone() {
        Await.until("it has gone", () -> accounts.read().getFirst().connected() == 0);
    }

    @Test
    void aPortsCountersGoOnFromOneFrontEndToTheNext() throws Exception {
        Path socket = directory.resolve("s");
        long begin = System.nanoTime();
        try (MetricsServer metrics = serve();
                VhostServer _ = VhostServer.listen(
                        socket, VhostConfig.builder().lockTiming(true).build(),
                        accounts.watch("p", new Listener()))) {
            assertLine("vhost_port_connections_total{port=\"p\"} 0.0", scrape(metrics));
            move(socket);
            awaitGone();
            List<String> first = scrape(metrics);
            assertLine("vhost_queue_packets_total{direction=\"rx\",port=\"p\",queue=\"1\"} 5.0", first);
            assertLine("vhost_queue_bytes_total{direction=\"rx\",port=\"p\",queue=\"1\"} 500.0", first);
            assertLine("vhost_queue_packets_total{direction=\"tx\",port=\"p\",queue=\"0\"} 0.0", first);
            assertLine("vhost_port_connected{port=\"p\"} 0.0", first);
            try (VirtioUser _ = VirtioUser.connect(socket, DriverConfig.defaults())) {
                devices.take();
                assertLine("vhost_queue_packets_total{direction=\"rx\",port=\"p\",queue=\"1\"} 5.0",
                        scrape(metrics));
                assertLine("vhost_port_connected{port=\"p\"} 1.0", scrape(metrics));
            }
            awaitGone();
            move(socket);
            awaitGone();
            List<String> second = scrape(metrics);
            assertLine("vhost_queue_packets_total{direction=\"rx\",port=\"p\",queue=\"1\"} 10.0", second);
            assertLine("vhost_port_connections_total{port=\"p\"} 3.0", second);
            assertEquals(first.size(), second.size(), "no front-end makes new names");
            double held = second.stream().filter(line -> line.startsWith(
                    "vhost_queue_lock_longest_hold_seconds{direction=\"rx\",port=\"p\",queue=\"1\"}"))
                    .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
                    .findFirst().orElseThrow();
            assertTrue(held > 0 && held * 1e9 <= System.nanoTime() - begin, held + " s");
        }
    }

    @Test
    void whatProgramsDecidedIsServed() throws Exception {
        Path socket = directory.resolve("s");
        ProgramChain chain = ProgramChain.fromGuest("p", 1, PacketPorts.NONE);
        ProgramLink third = chain.attach("third", burst -> {
            for (int i = 2; i < burst.count(); i += 3) {
                burst.drop(i);
            }
        });
        ProgramLink out = ProgramChain.toGuest("p", 1).attach("out", _ -> { });
        try (MetricsServer metrics = MetricsServer.start(ANY_PORT, List.of("127.0.0.1"), accounts,
                        List::of, () -> List.of(third, out));
                VhostServer _ = VhostServer.listen(socket, VhostConfig.defaults(), new Listener());
                VirtioUser driver = VirtioUser.connect(socket, DriverConfig.defaults());
                PacketPool pool = PacketPool.create(64, 2048)) {
            VhostDevice device = devices.take();
            device.queue(1).programs(chain);
            Packet[] packets = new Packet[PACKETS];
            for (int i = 0; i < PACKETS; i++) {
                packets[i] = driver.pool().take();
                packets[i].reset(LENGTH);
            }
            assertEquals(PACKETS, driver.transmitBurst(0, packets, 0, PACKETS));
            int got = device.queue(1).dequeueBurst(pool, packets, 0, PACKETS);
            pool.release(packets, 0, got);
            assertEquals(PACKETS - 1, got);
            List<String> scraped = scrape(metrics);
            String labels = "vhost_program_packets_total"
                    + "{direction=\"rx\",port=\"p\",program=\"third\",verdict=";
            assertLine(labels + "\"pass\"} 4.0", scraped);
            assertLine(labels + "\"drop\"} 1.0", scraped);
            for (String verdict : List.of("aborted", "tx", "redirect")) {
                assertLine(labels + "\"" + verdict + "\"} 0.0", scraped);
            }
            assertLine(labels.replace("rx", "tx").replace("third", "out") + "\"pass\"} 0.0", scraped);
        }
    }

    @Test
    void whatTheApplicationCountsAtItsPortsIsServed() throws IOException {
        try (MetricsServer metrics = serve()) {
            List<String> scraped = scrape(metrics);
            assertLine("vhost_port_up{port=\"a \\\"port\\\"\"} 1.0", scraped);
            assertLine("vhost_port_packets_total{direction=\"tx\",port=\"a \\\"port\\\"\"} 3.0", scraped);
            assertLine("vhost_port_dropped_bytes_total{port=\"a \\\"port\\\"\"} 6.0", scraped);
            assertLine("# TYPE vhost_memory_mapped_bytes gauge", scraped);
        }
    }

    /** Text for who asks for nothing, OpenMetrics for who does, and no failure for protocol buffers. */
    @Test
    void theFormatIsTheOneThatIsAskedFor() throws IOException {
        try (MetricsServer metrics = serve()) {
            String plain = ask(metrics, "/metrics", "Host: localhost");
            assertTrue(plain.contains("text/plain; version=0.0.4"), plain);
            String open = ask(metrics, "/metrics", "Host: localhost",
                    "Accept: application/openmetrics-text; version=1.0.0");
            assertTrue(open.contains("application/openmetrics-text") && open.contains("# EOF"), open);
            String protobuf = ask(metrics, "/metrics", "Host: localhost", "Accept: application/"
                    + "vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,"
                    + "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5");
            assertTrue(protobuf.startsWith("HTTP/1.1 200 ") && protobuf.contains("# EOF"), protobuf);
        }
    }

    @Test
    void requestsThatNameAnotherHostAreRefused() throws IOException {
        try (MetricsServer metrics = serve()) {
            assertTrue(ask(metrics, "/metrics", "Host: localhost").startsWith("HTTP/1.1 200 "));
            for (String[] hosts : new String[][] {{"Host: evil.example"}, {}, {"Host:"},
                    {"Host: localhost", "Host: evil.example"}}) {
                String refused = ask(metrics, "/metrics", hosts);
                assertTrue(refused.startsWith("HTTP/1.1 403 "), refused);
                assertFalse(refused.contains("vhost_"), refused);
            }
        }
    }

    @Test
    void aPortThatIsTakenIsNamedWithTheRemedy() throws IOException {
        try (ServerSocket other = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            InetSocketAddress taken = InetSocketAddress.createUnresolved("127.0.0.1", other.getLocalPort());
            String text = assertThrows(IOException.class, () -> MetricsServer.start(
                    taken, List.of(), accounts, () -> TRAFFIC, List::of)).getMessage();
            assertEquals("metrics at 127.0.0.1:" + other.getLocalPort()
                    + ": Address already in use; choose another address or port", text);
        }
        String unknown = assertThrows(IOException.class, () -> MetricsServer.start(
                InetSocketAddress.createUnresolved("no.such.host.invalid", 1), List.of(), accounts,
                () -> TRAFFIC, List::of)).getMessage();
        assertEquals("metrics at no.such.host.invalid:1: this name has no address", unknown);
    }

    /** Front-ends need descriptors, too. */
    @Test
    void connectionsAreBounded() throws IOException {
        List<Socket> sockets = new ArrayList<>();
        try (MetricsServer metrics = serve()) {
            int port = URI.create(metrics.url()).getPort();
            while (sockets.size() < 65) {
                sockets.add(new Socket(InetAddress.getLoopbackAddress(), port));
            }
            assertEquals(-1, sockets.getLast().getInputStream().read());
        } finally {
            for (Socket socket : sockets) {
                socket.close();
            }
        }
    }

    @Test
    void beansHaveTheSameFigures() throws Exception {
        Path socket = directory.resolve("s");
        MBeanServer beans = ManagementFactory.getPlatformMBeanServer();
        ObjectName queue = new ObjectName("io.vhost:type=Queue,port=\"p\",queue=1");
        ObjectName port = new ObjectName("io.vhost:type=Port,name=" + ObjectName.quote("a \"port\""));
        try (JmxBeans _ = JmxBeans.register(accounts, () -> TRAFFIC);
                VhostServer _ = VhostServer.listen(
                        socket, VhostConfig.defaults(), accounts.watch("p", new Listener()))) {
            assertEquals(3L, beans.getAttribute(port, "TxPackets"));
            assertFalse(beans.isRegistered(queue));
            move(socket);
            awaitGone();
            assertEquals(5L, beans.getAttribute(queue, "Packets"));
            assertEquals(500L, beans.getAttribute(queue, "Bytes"));
            assertEquals(0L, beans.getAttribute(queue, "InFlight"));
            assertTrue((Long) beans.getAttribute(queue, "LockHolds") > 0);
            assertEquals(List.of(new Attribute("Packets", 5L)),
                    beans.getAttributes(queue, new String[] {"Missing", "Packets"}));
            Set<String> names = new HashSet<>();
            Arrays.stream(beans.getMBeanInfo(queue).getAttributes())
                    .forEach(each -> names.add(each.getName()));
            assertTrue(names.contains("CopyFailed"), names::toString);
            assertEquals(RingViolation.values().length,
                    names.stream().filter(name -> name.startsWith("Violation")).count());
            assertThrows(AttributeNotFoundException.class,
                    () -> beans.getAttribute(queue, "Missing"));
        }
        assertFalse(beans.isRegistered(queue) || beans.isRegistered(port));
    }
}
