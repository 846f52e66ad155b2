package io.vhost.server;

import static io.vhost.protocol.RawPeer.PLAIN;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.device.DeviceListener;
import io.vhost.device.VhostDevice;
import io.vhost.driver.DriverConfig;
import io.vhost.driver.VirtioUser;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.protocol.RawPeer;
import io.vhost.state.FrontEnd;
import io.vhost.state.QueueCounters.Counter;
import java.lang.ref.WeakReference;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Consumer;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;

/** Front-ends as an application manages them: who they are, when they are sent away, what they have done. */
class FrontEndTest extends ServerFixture {
    private final BlockingQueue<VhostDevice> devices = new LinkedBlockingQueue<>();
    private final BlockingQueue<VhostDevice> gone = new LinkedBlockingQueue<>();

    private DeviceListener listener(Consumer<VhostDevice> onConnection, Consumer<VhostDevice> onDevice) {
        return new DeviceListener() {
            @Override
            public void newConnection(VhostDevice device) {
                onConnection.accept(device);
            }

            @Override
            public void newDevice(VhostDevice device) {
                onDevice.accept(device);
            }

            @Override
            public void destroyConnection(VhostDevice device) {
                gone.add(device);
            }
        };
    }

    @Test
    void eachHasAnIdAndANameOfItsOwnAndSaysWhoItIs() throws Exception {
        try (VhostServer _ = VhostServer.listen(path, CONFIG, listener(devices::add, _ -> {}))) {
            List<FrontEnd> seen = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                try (RawPeer peer = connect(); RawPeer beside = connect()) {
                    ask(peer);
                    ask(beside);
                    seen.add(devices.take().frontEnd());
                    seen.add(devices.take().frontEnd());
                }
            }
            assertEquals(6, seen.stream().map(FrontEnd::id).distinct().count());
            assertEquals(6, seen.stream().map(FrontEnd::name).distinct().count());
            for (FrontEnd each : seen) {
                assertEquals(path.toString(), each.socket());
                assertEquals(path + "#" + each.id(), each.name());
                assertEquals(ProcessHandle.current().pid(), each.pid());
                assertEquals(Files.getAttribute(path, "unix:uid"), each.uid());
                assertEquals(Files.getAttribute(path, "unix:gid"), each.gid());
            }
        }
    }

    /** Nothing that the front-end asks is answered, and everything is told in pairs. */
    @Test
    void oneThatIsNotWantedIsTurnedAwayBeforeItsFirstRequest() throws Exception {
        try (VhostServer server = VhostServer.listen(path, CONFIG,
                listener(device -> device.disconnect("not today"), devices::add))) {
            for (int i = 0; i < 3; i++) {
                try (RawPeer peer = connect()) {
                    VhostDevice device = gone.take();
                    assertNull(peer.receive());
                    assertEquals(0, device.connection().requests().size());
                }
            }
            assertEquals(0, devices.size());
            assertEquals(0, server.refusedConnections());
        }
    }

    /** From a callback after negotiation, from another thread, twice, and under the lock of a queue. */
    @Test
    void aDeviceThatRunsIsDisconnected() throws Exception {
        try (VhostServer server = VhostServer.listen(path, CONFIG, listener(_ -> {}, device -> {
                device.disconnect("the port is shut");
                device.disconnect("again");
                devices.add(device);
            }))) {
            try (VirtioUser driver = connectOnce()) {
                assertEquals(gone.take(), devices.take());
                assertTrue(driver == null || !driver.isConnected());
            }
            while (server.connectionCount() > 0) {
                Thread.onSpinWait(); // Its thread is about to end.
            }
        }
        try (VhostServer _ = VhostServer.listen(path, CONFIG, listener(_ -> {}, devices::add));
                VirtioUser driver = VirtioUser.connect(path, DriverConfig.defaults())) {
            VhostDevice device = devices.take();
            device.queue(0).access_lock.lock();
            try {
                device.disconnect("from another thread");
            } finally {
                device.queue(0).access_lock.unlock();
            }
            assertEquals(device, gone.take());
            assertTrue(!driver.isConnected());
            device.disconnect("long gone");
        }
    }

    /** Null when the connection ended before the driver had all its answers. */
    private VirtioUser connectOnce() {
        try {
            return VirtioUser.connect(path, DriverConfig.defaults());
        } catch (java.io.IOException _) {
            return null;
        }
    }

    @Test
    void theSocketsCountersGoOnFromOneFrontEndToTheNext() throws Exception {
        try (PacketPool pool = PacketPool.create(8, 2048);
                VhostServer server = VhostServer.listen(path, CONFIG, listener(_ -> {}, devices::add))) {
            for (int round = 1; round <= 3; round++) {
                try (VirtioUser driver = VirtioUser.connect(path, DriverConfig.defaults())) {
                    VhostDevice device = devices.take();
                    Packet packet = driver.pool().take();
                    packet.reset(100);
                    assertEquals(1, driver.transmitBurst(0, new Packet[] {packet}, 0, 1));
                    Packet[] taken = new Packet[1];
                    assertEquals(1, device.queue(1).dequeueBurst(pool, taken, 0, 1));
                    pool.release(taken, 0, 1);
                    assertEquals(1, device.queue(1).counters().get(Counter.PACKETS));
                    assertEquals(round, server.counted(1, Counter.PACKETS), "while it is connected");
                }
                gone.take();
                assertEquals(round, server.counted(1, Counter.PACKETS), "when it has gone");
                assertEquals(100L * round, server.counted(1, Counter.BYTES));
                assertEquals(0, server.counted(0, Counter.PACKETS));
            }
            for (int none : List.of(-1, 2)) {
                String text = assertThrows(IndexOutOfBoundsException.class,
                        () -> server.counted(none, Counter.PACKETS)).getMessage();
                assertEquals("no device here has a queue " + none + ", but 0 to 1: VhostConfig.queuePairs"
                        + " says how many pairs there are", text);
            }
        }
    }

    /** Its rings may be large, and nobody else may ever connect. */
    @Test
    void nothingOfOneThatHasGoneStaysInTheHeapWhileTheServerListens() throws Exception {
        try (VhostServer _ = VhostServer.listen(path, CONFIG, listener(devices::add, _ -> {}))) {
            WeakReference<VhostDevice> device = comesAndGoes();
            while (device.get() != null) {
                System.gc();
            }
        }
    }

    private WeakReference<VhostDevice> comesAndGoes() throws InterruptedException {
        try (RawPeer peer = connect()) {
            ask(peer);
        }
        gone.take();
        return new WeakReference<>(devices.take());
    }

    /** One line for each, with names that tell the front-ends apart, and the reason at the end. */
    @Test
    void anOperatorReadsWhatHappens() throws Exception {
        List<String> lines = new ArrayList<>();
        List<String> sources = new ArrayList<>();
        Handler handler = new Handler() {
            @Override
            public synchronized void publish(LogRecord line) {
                lines.add(line.getLevel() + " " + line.getMessage());
                sources.add(line.getSourceClassName());
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
        Logger logger = Logger.getLogger("io.vhost.device");
        logger.addHandler(handler);
        try (VhostServer _ = VhostServer.listen(path, CONFIG, listener(_ -> {}, devices::add))) {
            for (int i = 0; i < 2; i++) {
                try (VirtioUser _ = VirtioUser.connect(path, DriverConfig.defaults())) {
                    VhostDevice device = devices.take();
                    if (i == 1) {
                        device.disconnect("no more");
                        gone.take();
                    }
                }
                if (i == 0) {
                    gone.take();
                }
            }
        } finally {
            logger.removeHandler(handler);
        }
        String first = lines.getFirst().substring(0, lines.getFirst().indexOf(')') + 1);
        List<String> ofFirst = lines.stream().filter(line -> line.startsWith(first)).toList();
        assertEquals(first + " connected: pid=%d uid=%s gid=%s".formatted(ProcessHandle.current().pid(),
                Files.getAttribute(directory, "unix:uid"), Files.getAttribute(directory, "unix:gid")),
                ofFirst.getFirst());
        for (String part : List.of(" features 0x", " memory mapped: regions=1 bytes=", " queue 0 started",
                " queue 1 started", " queue 0 stopped", " queue 1 stopped")) {
            assertTrue(ofFirst.stream().anyMatch(line -> line.startsWith(first + part)), part + lines);
        }
        assertEquals(first + " disconnected: the front-end closed the connection", ofFirst.getLast());
        assertTrue(lines.getLast().endsWith(" disconnected: no more"), lines.toString());
        assertNotEquals(first, lines.getLast().substring(0, first.length()));
        assertTrue(
                sources.stream().noneMatch(source -> source.contains("WarningLimiter")), sources.toString());
    }

    /** The kernel keeps 15 characters of a thread's name. */
    @Test
    void threadsOfSocketsAreToldApartByWhatTheKernelShows() throws Exception {
        Path other = directory.resolve("a-rather-long-name-of-port-2.sock");
        try (VhostServer _ = VhostServer.listen(path, CONFIG, listener(devices::add, _ -> {}));
                VhostServer _ = VhostServer.listen(other, CONFIG, listener(devices::add, _ -> {}));
                RawPeer peer = connect()) {
            ask(peer);
            List<String> kernel = TestThreads.named(directory.toString()).stream()
                    .map(thread -> thread.getName().substring(0, 15)).sorted().toList();
            assertEquals(3, kernel.stream().distinct().count(), kernel.toString());
            assertTrue(kernel.contains("t-2.sock accept"), kernel.toString());
            String connection = "vm.sock#" + devices.take().frontEnd().id() + " ";
            assertTrue(kernel.stream().anyMatch(name -> name.startsWith(connection)), kernel.toString());
            peer.send(1, PLAIN);
        }
    }
}
