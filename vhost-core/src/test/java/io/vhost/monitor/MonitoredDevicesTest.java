package io.vhost.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.device.DeviceListener;
import io.vhost.device.VhostConfig;
import io.vhost.device.VhostDevice;
import io.vhost.device.VirtQueue;
import io.vhost.dma.DmaChannel;
import io.vhost.dma.DmaRegistry;
import io.vhost.driver.DriverConfig;
import io.vhost.driver.VirtioUser;
import io.vhost.limit.Limit;
import io.vhost.monitor.command.Command;
import io.vhost.monitor.command.CommandException;
import io.vhost.monitor.json.Json;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.os.UnixListener;
import io.vhost.protocol.RawPeer;
import io.vhost.server.VhostClient;
import io.vhost.server.VhostServer;
import io.vhost.state.QueueSnapshot;
import io.vhost.testing.FaultyDmaEngine;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A look at a device with a driver on its other side. */
@Timeout(60)
class MonitoredDevicesTest {
    private static final String PATH = "/vhost/0/virtio-backend";
    private static final int PACKETS = 5;

    @TempDir
    private Path directory;

    private final BlockingQueue<VhostDevice> devices = new LinkedBlockingQueue<>();

    private final class Listener implements DeviceListener {
        @Override
        public void newDevice(VhostDevice device) {
            devices.add(device);
        }
    }

    @Test
    void everyCommandAboutDevicesAnswersAsItsSchemaSays()
            throws IOException, InterruptedException, CommandException {
        Path socket = directory.resolve("vhost");
        Path monitorPath = directory.resolve("m");
        try (Monitor monitor = new Monitor(monitorPath, MonitorConfig.Builder::mutating);
                Client client = Client.negotiated(monitorPath);
                VhostServer _ = VhostServer.listen(
                        socket, VhostConfig.defaults(), monitor.devices.watch(new Listener()))) {
            VirtioUser driver = VirtioUser.connect(socket, DriverConfig.defaults());
            try (driver) {
                VhostDevice device = devices.take();
                awaitEvent(client, "NETDEV_VHOST_USER_CONNECTED", Map.of("netdev-id", PATH, "chardev-id",
                        socket.toString()));
                awaitEvent(client, "VHOST_QUEUE_STATE", Map.of("path", PATH, "queue", 1L, "enabled", true));
                move(driver, device);
                checkQueue(client);
                checkElement(client);
                checkConnection(client, socket);
                String arguments = "'path':'" + PATH + "'";
                for (String command : List.of("x-query-virtio-status", "x-query-vhost-memory",
                        "x-query-vhost-backend", "x-query-vhost-locks", "x-query-vhost-inflight")) {
                    check(monitor, client, command, arguments);
                }
                check(monitor, client, "x-query-virtio-vhost-queue-status", arguments + ",'queue':1");
                check(monitor, client, "x-query-virtio-queue-status", arguments + ",'queue':0");
                check(monitor, client, "x-query-virtio-queue-element", arguments + ",'queue':0");
                assertEquals("Path " + PATH + " has no IOTLB: VIRTIO_F_ACCESS_PLATFORM is not negotiated",
                        client.errorText("{'execute':'x-query-vhost-iotlb','arguments':{" + arguments
                                + "}}"));
                checkStats(client);
                check(monitor, client, "query-stats", "'target':'vring'");
                check(monitor, client, "query-stats", "'target':'device'");
                for (String command : List.of("query-stats-schemas", "query-chardev", "query-version",
                        "query-commands", "query-status", "query-name", "x-query-monitor",
                        "x-query-vhost-resources",
                        "x-query-virtio")) {
                    check(monitor, client, command, "");
                }
                assertEquals("Invalid virtqueue number 99",
                        client.errorText("{'execute':'x-query-virtio-queue-status','arguments':{" + arguments
                                + ",'queue':99}}"));
                pages(client);
                aHeldLockIsSeenAndWaitedForNotLong(client, device);
            }
            awaitEvent(client, "NETDEV_VHOST_USER_DISCONNECTED", Map.of("netdev-id", PATH));
            assertEquals(Map.of("label", socket.toString(), "frontend-open", false,
                    "filename", "disconnected:unix:" + socket + ",server=on"),
                    list(client, "query-chardev", "").get(1));
            assertEquals("Path " + PATH + " is not a VirtIODevice",
                    client.errorText("{'execute':'x-query-virtio-status','arguments':{'path':'" + PATH
                            + "'}}"));
        }
    }

    @Test
    void aPackedRingIsShownWithItsWrapCounter() throws IOException, InterruptedException {
        Path socket = directory.resolve("vhost");
        Path monitorPath = directory.resolve("m");
        DriverConfig config = DriverConfig.defaults().withPackedRings().withQueues(1, PACKETS + 2);
        try (Monitor monitor = new Monitor(monitorPath, MonitorConfig.Builder::mutating);
                Client client = Client.negotiated(monitorPath);
                VhostServer _ = VhostServer.listen(
                        socket, VhostConfig.defaults(), monitor.devices.watch(new Listener()));
                VirtioUser driver = VirtioUser.connect(socket, config)) {
            VhostDevice device = devices.take();
            move(driver, device);
            assertPosition(client, PACKETS, true);
            move(driver, device);
            assertPosition(client, PACKETS - 2, false);
            Map<?, ?> element = element(client, 0, ",'index':0");
            assertEquals(List.of("write", "avail"),
                    ((Map<?, ?>) ((List<?>) element.get("descs")).getFirst()).get("flags"));
            // The position alone, or as last-avail-idx shows it; and where the device is.
            assertEquals(element(client, 1, ",'index':4"), element(client, 1, ",'index':32772"));
            assertEquals(element(client, 1, ",'index':3"), element(client, 1, ""));
            driver.stop();
            String stopped = "','queue':1,'index':0}}";
            assertEquals("Region caches not initialized", client.errorText(
                    "{'execute':'x-query-virtio-queue-element','arguments':{'path':'" + PATH + stopped));
            Map<?, ?> status = status(client, 1);
            assertEquals((long) PACKETS - 2, status.get("used-idx"));
            assertFalse(status.containsKey("last-avail-idx"));
            assertFalse(status.containsKey("shadow-avail-idx"));
            assertEquals(0L, status.get("vring-desc"));
        }
    }

    /** Chains that a channel has, and in the two areas values that no others are like. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aQueueIsShownWithWhatChannelsHaveAndWhereItLies(boolean packed) throws Exception {
        Path socket = directory.resolve("vhost");
        Path monitorPath = directory.resolve("m");
        DriverConfig config = DriverConfig.defaults().withQueues(1, 8);
        FaultyDmaEngine engine = FaultyDmaEngine.seeded(1).build();
        try (DmaRegistry registry = new DmaRegistry();
                Monitor monitor = new Monitor(monitorPath, builder -> builder);
                Client client = Client.negotiated(monitorPath);
                VhostServer _ = VhostServer.listen(
                        socket, VhostConfig.builder().asyncCopy(registry).build(),
                        monitor.devices.watch(new Listener()));
                VirtioUser _ = VirtioUser.connect(socket, packed ? config.withPackedRings() : config);
                PacketPool pool = PacketPool.create(PACKETS, 2048)) {
            DmaChannel channel = registry.configure("test", engine);
            VirtQueue queue = devices.take().queue(0);
            Packet[] packets = new Packet[PACKETS];
            pool.take(packets, 0, PACKETS);
            for (Packet packet : packets) {
                packet.reset(60);
            }
            assertEquals(2, queue.enqueueBurst(packets, 0, 2));
            queue.registerAsync();
            engine.hold(true);
            assertEquals(3, queue.submitEnqueueBurst(packets, 2, 3, channel));
            QueueSnapshot snapshot = queue.snapshot();
            Map<String, Object> status = Json.object(
                    "name", "virtio-net", "queue-index", 0L, "inuse", 3L, "vring-num", 8L,
                    "vring-num-default", 32768L, "vring-align", 4096L,
                    "vring-desc", snapshot.desc().guest(), "vring-avail", snapshot.avail().guest(),
                    "vring-used", snapshot.used().guest(),
                    "last-avail-idx", packed ? 0x8005L : 5L, "shadow-avail-idx", packed ? 0x8005L : 8L,
                    "used-idx", 2L, "signalled-used", 2L, "signalled-used-valid", true);
            assertEquals(status, status(client, 0));
            assertEquals(3, Set.of(snapshot.desc().mapped(), snapshot.avail().mapped(),
                    snapshot.used().mapped()).size());
            client.send("{'execute':'x-query-virtio-vhost-queue-status','arguments':{'path':'" + PATH
                    + "','queue':0}}");
            assertEquals(Json.object(
                    "name", "virtio-net", "kick", (long) snapshot.kick(), "call", (long) snapshot.call(),
                    "desc", snapshot.desc().mapped(), "avail", snapshot.avail().mapped(),
                    "used", snapshot.used().mapped(), "num", 8L,
                    "desc-phys", snapshot.desc().guest(), "desc-size", 128L,
                    "avail-phys", snapshot.avail().guest(), "avail-size", packed ? 4L : 22L,
                    "used-phys", snapshot.used().guest(), "used-size", packed ? 4L : 70L),
                    client.answer().get("return"));
            set(snapshot.avail(), 0x2222_1111);
            set(snapshot.used(), 0x4444_3333);
            // A split ring's areas begin with the flags, a packed one's with the position.
            Map<?, ?> element = element(client, 0, "");
            Map<?, ?> avail = (Map<?, ?>) element.get("avail");
            assertEquals(packed ? 0x2222L : 0x1111L, avail.get("flags"));
            assertEquals(packed ? 0x1111L : 0x2222L, avail.get("idx"));
            assertEquals(5L, avail.get("ring"));
            assertEquals(Map.of("flags", packed ? 0x4444L : 0x3333L, "idx", packed ? 0x3333L : 0x4444L),
                    element.get("used"));
            set(snapshot.avail(), 0);
            if (packed) {
                Map<?, ?> used = element(client, 0, ",'index':0");
                assertEquals(List.of("write", "avail", "used"),
                        ((Map<?, ?>) ((List<?>) used.get("descs")).getFirst()).get("flags"));
            }
            engine.hold(false);
            int back = 0;
            while (back < 3) {
                back += queue.pollEnqueueCompleted(packets, 2, 3, channel);
            }
            queue.unregisterAsync();
            assertEquals(0L, status(client, 0).get("inuse"));
            pool.release(packets, 0, PACKETS);
        }
    }

    @SuppressWarnings("restricted")
    private static void set(QueueSnapshot.Area area, int begin) {
        MemorySegment.ofAddress(area.mapped()).reinterpret(area.bytes()).set(ValueLayout.JAVA_INT, 0, begin);
    }

    private static Map<?, ?> element(Client client, int queue, String index) {
        client.send("{'execute':'x-query-virtio-queue-element','arguments':{'path':'" + PATH
                + "','queue':" + queue + index + "}}");
        return (Map<?, ?>) client.answer().get("return");
    }

    private static Map<?, ?> status(Client client, int queue) {
        client.send("{'execute':'x-query-virtio-queue-status','arguments':{'path':'" + PATH
                + "','queue':" + queue + "}}");
        return (Map<?, ?>) client.answer().get("return");
    }

    private static void assertPosition(Client client, int index, boolean wrap) {
        Map<?, ?> status = status(client, 1);
        assertEquals((long) (wrap ? index | 0x8000 : index), status.get("last-avail-idx"));
        assertEquals(status.get("last-avail-idx"), status.get("shadow-avail-idx"));
        assertEquals((long) index, status.get("used-idx"));
        assertEquals(0L, status.get("inuse"));
        assertEquals((long) PACKETS + 2, status.get("vring-num"));
    }

    private static void move(VirtioUser driver, VhostDevice device) {
        Packet[] packets = new Packet[PACKETS];
        for (int i = 0; i < PACKETS; i++) {
            packets[i] = driver.pool().take();
            packets[i].reset(60);
        }
        assertEquals(PACKETS, driver.transmitBurst(0, packets, 0, PACKETS));
        int moved = 0;
        while (moved < PACKETS) {
            int count = device.queue(1).dequeueBurst(driver.pool(), packets, 0, PACKETS);
            driver.pool().release(packets, 0, count);
            moved += count;
        }
    }

    private static void checkQueue(Client client) {
        client.send("{'execute':'x-query-virtio-queue-status','arguments':{'path':'" + PATH
                + "','queue':1}}");
        Map<?, ?> status = (Map<?, ?>) client.answer().get("return");
        assertEquals((long) PACKETS, status.get("last-avail-idx"));
        assertEquals((long) PACKETS, status.get("used-idx"));
        assertEquals(0L, status.get("inuse"));
        assertTrue((Long) status.get("vring-num") > 0);
    }

    private static void checkElement(Client client) {
        String call = "{'execute':'x-query-virtio-queue-element','arguments':{'path':'" + PATH
                + "','queue':1%s}}";
        client.send(call.formatted(",'index':0"));
        Map<?, ?> element = (Map<?, ?>) client.answer().get("return");
        assertEquals("virtio-net", element.get("name"));
        Map<?, ?> only = (Map<?, ?>) ((List<?>) element.get("descs")).getFirst();
        assertEquals(1, ((List<?>) element.get("descs")).size(), element::toString);
        assertEquals(60L + 12, only.get("len"));
        assertEquals(List.of(), only.get("flags"));
        assertEquals((long) PACKETS, ((Map<?, ?>) element.get("avail")).get("idx"));
        assertEquals((long) PACKETS, ((Map<?, ?>) element.get("used")).get("idx"));
        client.send(call.formatted("").replace("'queue':1", "'queue':0"));
        Map<?, ?> receive = (Map<?, ?>) client.answer().get("return");
        assertEquals(List.of("write"),
                ((Map<?, ?>) ((List<?>) receive.get("descs")).getFirst()).get("flags"));
        assertEquals("Parameter 'index' expects uint16_t",
                client.errorText(call.formatted(",'index':65536")));
    }

    private static void checkConnection(Client client, Path socket) {
        client.send("{'execute':'x-query-vhost-backend','arguments':{'path':'" + PATH + "'}}");
        Map<?, ?> backend = (Map<?, ?>) client.answer().get("return");
        assertEquals("server", backend.get("mode"));
        assertEquals("running", backend.get("state"));
        assertEquals(1L, backend.get("connections"));
        assertEquals(0L, backend.get("reconnects"));
        assertEquals("", backend.get("last-error"));
        assertTrue(((List<?>) backend.get("messages")).contains(Map.of("request", "SET_OWNER", "count", 1L)),
                backend::toString);
        Map<?, ?> region = list(client, "x-query-vhost-memory", "'path':'" + PATH + "'").getFirst();
        assertEquals(-1L, region.get("fd"));
        assertEquals(4096L, region.get("page-size"));
        assertEquals(Map.of("label", socket.toString(), "frontend-open", true,
                "filename", "unix:" + socket + ",server=on"), list(client, "query-chardev", "").get(1));
        client.send("{'execute':'x-query-vhost-resources'}");
        Map<?, ?> taken = (Map<?, ?>) client.answer().get("return");
        assertEquals(List.of(1L, 1L, region.get("size")),
                List.of(taken.get("connections"), taken.get("mappings"), taken.get("mapped-bytes")));
        assertEquals(Limit.values().length, ((List<?>) taken.get("refusals")).size());
        Map<?, ?> lock = list(client, "x-query-vhost-locks", "").get(1);
        assertTrue((Long) lock.get("acquired") > 0, lock::toString);
    }

    /** Filters by name, and counters that begin again while those of the queue go on. */
    private static void checkStats(Client client) {
        String packets = "'target':'vring','providers':[{'provider':'vhost','names':['good_packets']}]";
        assertEquals(List.of(Map.of("name", "good_packets", "value", (long) PACKETS)),
                list(client, "query-stats", packets).get(1).get("stats"));
        assertEquals(List.of(), list(client, "query-stats", "'target':'vring','providers':[]"));
        assertEquals(list(client, "query-stats-schemas", "").stream()
                .map(s -> ((List<?>) s.get("stats")).size()).toList(),
                List.of(
                        ((List<?>) list(client, "query-stats", "'target':'device'").getFirst().get("stats"))
                                .size(),
                        ((List<?>) list(client, "query-stats",
                                "'target':'vring','providers':[{'provider':'vhost'}]")
                                .getFirst().get("stats")).size()));
        assertEquals("Parameter 'providers[0].provider' does not accept value 'kvm'",
                client.errorText("{'execute':'query-stats','arguments':{'target':'vring','providers':"
                        + "[{'provider':'kvm'}]}}"));
        client.send("{'execute':'x-vhost-stats-reset','arguments':{'path':'" + PATH + "','queue':1}}");
        assertEquals(Map.of(), client.answer().get("return"));
        assertEquals(List.of(Map.of("name", "good_packets", "value", 0L)),
                list(client, "query-stats", packets).get(1).get("stats"));
    }

    private static List<Map<?, ?>> list(Client client, String command, String arguments) {
        client.send("{'execute':'" + command + "','arguments':{" + arguments + "}}");
        List<Map<?, ?>> entries = new ArrayList<>();
        ((List<?>) client.answer().get("return")).forEach(entry -> entries.add((Map<?, ?>) entry));
        return entries;
    }

    private static void check(Monitor monitor, Client client, String name, String arguments)
            throws CommandException {
        client.send("{'execute':'" + name + "','arguments':{" + arguments + "}}");
        Map<?, ?> answer = client.answer();
        assertTrue(answer.containsKey("return"), name + ": " + answer);
        Command command = monitor.commands().find(name);
        Command asArgument = Command.named(name).argument("return", command.result()).runs(_ -> null);
        asArgument.check(answer);
    }

    private static void pages(Client client) {
        List<String> pages = human(client, "info").lines().toList();
        assertTrue(pages.size() > 10, pages::toString);
        for (String page : pages) {
            String line = page.substring(0, page.indexOf(" -- "))
                    .replace(" path", " " + PATH).replaceAll(" (queue|\\[index])", " 1")
                    .replace(" target", " vring");
            String text = human(client, line);
            assertTrue(line.equals("info name") ? text.isEmpty() : text.endsWith("\n"), line + ": " + text);
            assertTrue(!text.contains("Error") && !text.contains("null"), line + ": " + text);
        }
        assertEquals(PATH + " [virtio-net]\r\n", human(client, "info virtio"));
        assertTrue(human(client, "info virtio-queue-status " + PATH + " 1")
                .contains("  last_avail_idx:       5\r\n"));
    }

    /** What a line of the text monitor prints. */
    private static String human(Client client, String line) {
        client.send("{'execute':'human-monitor-command','arguments':{'command-line':'" + line + "'}}");
        return (String) client.answer().get("return");
    }

    private static void aHeldLockIsSeenAndWaitedForNotLong(Client client, VhostDevice device) {
        device.queue(0).access_lock.lock();
        try {
            assertEquals("queue 0 is busy", client.errorText(
                    "{'execute':'x-query-virtio-queue-status','arguments':{'path':'" + PATH
                            + "','queue':0}}"));
            client.send("{'execute':'x-query-vhost-locks'}");
            Map<?, ?> lock = (Map<?, ?>) ((List<?>) client.answer().get("return")).getFirst();
            assertEquals(true, lock.get("held"));
            assertEquals(Thread.currentThread().getName(), lock.get("owner"));
            awaitEvent(client, "VHOST_QUEUE_STUCK", Map.of("path", PATH, "queue", 0L, "reason", "lock",
                    "owner", Thread.currentThread().getName()));
        } finally {
            device.queue(0).access_lock.unlock();
        }
    }

    private static void awaitEvent(Client client, String name, Map<String, Object> data) {
        Map<?, ?> event;
        do {
            event = Client.parse(client.line());
        } while (!name.equals(event.get("event")) || !data.equals(event.get("data")));
    }

    /** A front-end that listens, goes and comes back, and then says what it must not. */
    @Test
    void aConnectionOfOurOwnIsSeenToEndAndBeginAgain() throws IOException {
        Path socket = directory.resolve("front");
        Path monitorPath = directory.resolve("m");
        try (Monitor monitor = new Monitor(monitorPath, config -> config);
                Client client = Client.negotiated(monitorPath);
                VhostClient _ = VhostClient.connect(
                        socket, VhostConfig.defaults(), monitor.devices.watch(new DeviceListener() {}))) {
            try (UnixListener frontEnd = UnixListener.bind(socket)) {
                try (RawPeer peer = new RawPeer(frontEnd.accept())) {
                    awaitEvent(client, "NETDEV_VHOST_USER_CONNECTED",
                            Map.of("netdev-id", PATH, "chardev-id", socket.toString()));
                    peer.send(200, RawPeer.PLAIN);
                    awaitEvent(client, "NETDEV_VHOST_USER_DISCONNECTED", Map.of("netdev-id", PATH));
                }
                String again = "/vhost/1/virtio-backend";
                try (RawPeer _ = new RawPeer(frontEnd.accept())) {
                    awaitEvent(client, "NETDEV_VHOST_USER_CONNECTED",
                            Map.of("netdev-id", again, "chardev-id", socket.toString()));
                    client.send("{'execute':'x-query-vhost-backend','arguments':{'path':'" + again + "'}}");
                    Map<?, ?> backend = (Map<?, ?>) client.answer().get("return");
                    assertEquals("client", backend.get("mode"));
                    assertEquals("connected", backend.get("state"));
                    assertEquals(2L, backend.get("connections"));
                    assertEquals(1L, backend.get("reconnects"));
                    assertTrue(((String) backend.get("last-error")).contains("request 200 refused"),
                            backend::toString);
                    assertEquals(List.of(), backend.get("messages"));
                    assertEquals("unix:" + socket, list(client, "query-chardev", "").get(1).get("filename"));
                }
            }
        }
    }
}
