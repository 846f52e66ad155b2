package io.vhost.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.app.Await;
import io.vhost.device.DeviceListener;
import io.vhost.device.Feature;
import io.vhost.device.QueueWaiter;
import io.vhost.device.VhostConfig;
import io.vhost.device.VhostDevice;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.os.UnixListener;
import io.vhost.server.VhostClient;
import io.vhost.server.VhostServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Back-ends of a port that go and come. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class DriverPortTest extends VirtioUserFixture {
    private static final Set<PosixFilePermission> OWNER = PosixFilePermissions.fromString("rw-------");
    private static final int ROUNDS = 5;

    private final BlockingQueue<VhostDevice> devices = new LinkedBlockingQueue<>();
    private final List<String> told = new CopyOnWriteArrayList<>();
    private final DeviceListener guests = new DeviceListener() {
        @Override
        public void newDevice(VhostDevice device) {
            devices.add(device);
        }
    };
    private final DriverListener listener = new DriverListener() {
        @Override
        public void connected(DriverPort port) {
            assertTrue(port.isConnected());
            told.add("connected");
        }

        @Override
        public void disconnected(DriverPort port) {
            assertFalse(port.isConnected());
            told.add("disconnected");
        }
    };

    private DriverPort open(boolean listens, DriverConfig config) throws IOException {
        return listens ? DriverPort.listen(path, OWNER, config, listener)
                : DriverPort.connect(path, config, listener);
    }

    /** Closing ends it. */
    private interface BackEnd extends AutoCloseable {
        @Override
        void close();
    }

    private BackEnd backEnd(boolean connects, VhostConfig config) throws IOException {
        return connects ? VhostClient.connect(path, config, guests)::close
                : VhostServer.listen(path, config, guests)::close;
    }

    private void echo(DriverPort port, VhostDevice device, PacketPool pool, int seed) {
        Packet packet = port.pool().take();
        packet.reset(SIZE);
        for (int i = 0; i < SIZE; i++) {
            packet.putByte(i, seed * 31 + i);
        }
        assertEquals(1, port.transmitBurst(0, new Packet[] {packet}, 0, 1));
        assertEquals(1, device.queue(1).dequeueBurst(pool, packets, 0, 4));
        assertEquals(1, device.queue(0).enqueueBurst(packets, 0, 1));
        packets[0].release();
        assertEquals(1, port.receiveBurst(0, packets, 0, 4));
        assertPattern(packets[0], SIZE, seed);
        packets[0].release();
        port.reclaim(0);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void backEndsGoAndComeAndEachPacketIsAccountedFor(boolean listens) throws Exception {
        try (PacketPool pool = PacketPool.create(4, 2048);
                DriverPort port = open(listens, CONFIG)) {
            for (int round = 0; round < ROUNDS; round++) {
                Packet early = port.pool().take();
                early.reset(60);
                assertEquals(0, port.transmitBurst(0, new Packet[] {early}, 0, 1));
                assertEquals(0, port.receiveBurst(0, packets, 0, 4));
                assertFalse(port.arm(0));
                early.release();
                // Each lacks what its predecessor has: rings begin anew.
                VhostConfig config = VhostConfig.builder().without(round % 2 == 0
                        ? Feature.VIRTIO_F_IN_ORDER : Feature.VIRTIO_NET_F_MRG_RXBUF).build();
                try (BackEnd _ = backEnd(listens, config)) {
                    VhostDevice device = devices.take();
                    Await.until("the port knows of its back-end", port::isConnected);
                    assertEquals(round % 2 == 0, port.has(Feature.VIRTIO_NET_F_MRG_RXBUF));
                    for (int seed = 0; seed < 40; seed++) {
                        echo(port, device, pool, seed);
                    }
                    Packet left = port.pool().take();
                    left.reset(60);
                    assertEquals(1, port.transmitBurst(0, new Packet[] {left}, 0, 1));
                }
                Await.until("the port knows that its back-end is gone", () -> !port.isConnected());
                int all = 2 * round + 2;
                Await.until("the listener is told", () -> told.size() == all);
            }
            // The last one is in the ring still.
            assertEquals(ROUNDS - 1, port.transmitAbandoned(0));
            assertEquals(port.pool().size() - 16 - 1, port.pool().available());
        }
        assertEquals(2 * ROUNDS, told.size());
        for (int i = 0; i < told.size(); i++) {
            assertEquals(i % 2 == 0 ? "connected" : "disconnected", told.get(i));
        }
        assertFalse(Files.exists(path));
    }

    @Test
    void oneThatIsRefusedIsTriedAgain() throws Exception {
        try (PacketPool pool = PacketPool.create(4, 2048);
                DriverPort port = open(false, CONFIG.withQueues(2, 16))) {
            try (VhostServer poor = VhostServer.listen(path, VhostConfig.defaults(), guests)) {
                Await.until("it has been tried", () -> poor.connectionCount() > 0);
                assertFalse(port.isConnected());
            }
            try (VhostServer _ =
                    VhostServer.listen(path, VhostConfig.builder().queuePairs(2).build(), guests)) {
                VhostDevice device = devices.take();
                echo(awaitConnected(port), device, pool, 1);
            }
        }
    }

    private static DriverPort awaitConnected(DriverPort port) {
        Await.until("the port knows of its back-end", port::isConnected);
        return port;
    }

    /** A ring that is broken stands still: the back-end is left, and may come again. */
    @Test
    void aBackEndThatBreaksARuleIsLeft() throws Exception {
        try (VhostServer server = VhostServer.listen(path, VhostConfig.defaults(), guests);
                PacketPool pool = PacketPool.create(4, 2048);
                DriverPort port = awaitConnected(open(false, CONFIG))) {
            VirtioUserPacketsTest.useWhatIsNotOut(devices.take().queue(0).snapshot());
            assertEquals(0, port.receiveBurst(0, packets, 0, 4));
            VhostDevice next = devices.take();
            echo(awaitConnected(port), next, pool, 3);
            Await.until("the server knows that the first one is gone", () -> server.connectionCount() == 1);
        }
    }

    @Test
    void anInterruptEndsAWaitForOtherThings() throws Exception {
        try (VhostServer _ = VhostServer.listen(path, VhostConfig.defaults(), guests);
                PacketPool pool = PacketPool.create(4, 2048);
                DriverPort port = awaitConnected(open(false, CONFIG));
                QueueWaiter waiter = new QueueWaiter(port.interruptFd(0))) {
            VhostDevice device = devices.take();
            Packet packet = pool.take();
            packet.reset(60);
            for (int i = 0; i < 3; i++) {
                assertFalse(port.arm(0));
                assertEquals(1, device.queue(0).enqueueBurst(new Packet[] {packet}, 0, 1));
                assertTrue(waiter.await(10_000));
                assertTrue(waiter.isReadable(port.interruptFd(0)));
                port.disarm(0);
                assertFalse(waiter.await(0));
                assertTrue(port.arm(0), "there is something to receive");
                assertEquals(1, port.receiveBurst(0, packets, 0, 4));
                packets[0].release();
                port.disarm(0);
            }
            packet.release();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aPortThatHasNoBackEndCanBeClosedAtOnce(boolean listens) throws Exception {
        open(listens, CONFIG).close();
        assertEquals(List.of(), told);
    }

    /** It has connected and says nothing: the end waits for its answer, and no longer than the time-out. */
    @Test
    void aSilentBackEndHoldsTheEndUpForAMoment() throws Exception {
        try (UnixListener silent = UnixListener.bind(path)) {
            DriverPort port = open(false, CONFIG.withTimeout(Duration.ofMillis(50)));
            try (var _ = silent.accept()) {
                port.close();
            }
            assertFalse(port.isConnected());
        }
    }

    @Test
    void aPortMayBeClosedInItsCallbacks() throws Exception {
        try (VhostServer _ = VhostServer.listen(path, VhostConfig.defaults(), guests)) {
            DriverPort port = DriverPort.connect(path, CONFIG, new DriverListener() {
                @Override
                public void connected(DriverPort connected) {
                    connected.close();
                }

                @Override
                public void disconnected(DriverPort connected) {
                    connected.close();
                    told.add("gone");
                }
            });
            Await.until("it has ended", () -> told.contains("gone"));
            port.close();
            assertEquals(List.of("gone"), told);
        }
    }

    @Test
    void whereNobodyCanListenThatIsSaid() {
        Path missing = path.resolveSibling("missing").resolve("socket");
        String text = assertThrows(IOException.class,
                () -> DriverPort.listen(missing, OWNER, CONFIG, listener)).getMessage();
        assertTrue(text.startsWith("bind(" + missing + "): ENOENT"), text);
        assertThrows(IndexOutOfBoundsException.class, () -> {
            try (DriverPort port = DriverPort.connect(path, CONFIG, listener)) {
                int _ = port.receiveBurst(1, packets, 0, 4);
            }
        });
    }
}
