package io.vhost.monitor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.device.DeviceListener;
import io.vhost.device.VhostConfig;
import io.vhost.device.VhostDevice;
import io.vhost.driver.DriverConfig;
import io.vhost.driver.VirtioUser;
import io.vhost.net.Packet;
import io.vhost.server.VhostServer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

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
    void everyCommandAboutDevicesAnswersAsItsSchemaSays() throws IOException, InterruptedException, CommandException {
        Path socket = directory.resolve("vhost");
        Path monitorPath = directory.resolve("m");
        try (Monitor monitor = new Monitor(monitorPath, config -> config);
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
                String arguments = "'path':'" + PATH + "'";
                for (String command : List.of("x-query-virtio-status", "x-query-vhost-memory",
                        "x-query-vhost-backend", "x-query-vhost-locks", "x-query-vhost-inflight")) {
                    check(monitor, client, command, arguments);
                }
                check(monitor, client, "x-query-virtio-vhost-queue-status", arguments + ",'queue':1");
                check(monitor, client, "x-query-virtio-queue-status", arguments + ",'queue':0");
                check(monitor, client, "query-stats", "'target':'vring'");
                check(monitor, client, "query-stats", "'target':'device'");
                for (String command : List.of("query-stats-schemas", "query-chardev", "query-version",
                        "query-commands", "query-status", "query-name", "x-query-monitor", "x-query-virtio")) {
                    check(monitor, client, command, "");
                }
                assertEquals("Invalid virtqueue number 99",
                        client.errorText("{'execute':'x-query-virtio-queue-status','arguments':{" + arguments
                                + ",'queue':99}}"));
                pages(monitor);
                aHeldLockIsSeenAndWaitedForNotLong(client, device);
            }
            awaitEvent(client, "NETDEV_VHOST_USER_DISCONNECTED", Map.of("netdev-id", PATH));
            assertEquals("Path " + PATH + " is not a VirtIODevice",
                    client.errorText("{'execute':'x-query-virtio-status','arguments':{'path':'" + PATH + "'}}"));
        }
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
        client.send("{'execute':'x-query-virtio-queue-status','arguments':{'path':'" + PATH + "','queue':1}}");
        Map<?, ?> status = (Map<?, ?>) client.answer().get("return");
        assertEquals((long) PACKETS, status.get("last-avail-idx"));
        assertEquals((long) PACKETS, status.get("used-idx"));
        assertEquals(0L, status.get("inuse"));
        assertTrue((Long) status.get("vring-num") > 0);
    }

    private static void check(Monitor monitor, Client client, String name, String arguments) throws CommandException {
        client.send("{'execute':'" + name + "','arguments':{" + arguments + "}}");
        Map<?, ?> answer = client.answer();
        assertTrue(answer.containsKey("return"), name + ": " + answer);
        Command command = monitor.server.loop().commands().find(name);
        Command asArgument = Command.named(name).argument("return", command.result()).runs(_ -> null);
        ArgumentCheck.check(asArgument, answer);
    }

    private static void pages(Monitor monitor) {
        HmpShell shell = new HmpShell(monitor.server.loop().commands());
        for (HmpPage page : HmpPage.INFO) {
            StringBuilder line = new StringBuilder("info " + page.name());
            page.parameters().forEach(parameter -> line.append(' ').append(switch (parameter) {
                case "path" -> PATH;
                case "queue" -> "1";
                default -> "vring";
            }));
            String text = shell.run(line.toString());
            assertTrue(page.name().equals("name") ? text.isEmpty() : text.endsWith("\n"), line + ": " + text);
            assertTrue(!text.contains("Error") && !text.contains("null"), line + ": " + text);
        }
        assertEquals(PATH + " [virtio-net]\r\n", shell.run("info virtio"));
        assertTrue(shell.run("info virtio-queue-status " + PATH + " 1").contains("  last_avail_idx:       5\r\n"));
    }

    private static void aHeldLockIsSeenAndWaitedForNotLong(Client client, VhostDevice device) {
        device.queue(0).access_lock.lock();
        try {
            assertEquals("queue 0 is busy", client.errorText(
                    "{'execute':'x-query-virtio-queue-status','arguments':{'path':'" + PATH + "','queue':0}}"));
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
}
