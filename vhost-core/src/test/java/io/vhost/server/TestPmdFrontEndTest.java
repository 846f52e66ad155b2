package io.vhost.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.device.DeviceListener;
import io.vhost.device.VhostConfig;
import io.vhost.device.VhostDevice;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.os.Descriptor;
import io.vhost.os.Proc;
import io.vhost.peer.TestPmd;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** DPDK's virtio-user as front-end of our server. */
@Tag("peer")
class TestPmdFrontEndTest {
    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final int RESTARTS = 10;
    private static final int LISTENING_RESTARTS = 3;

    @TempDir
    private Path directory;

    @BeforeEach
    void needs() {
        TestPmd.require();
    }

    /** Sends back what comes, and keeps what it is told. */
    private static final class Echo implements DeviceListener, Runnable {
        final BlockingQueue<String> calls = new LinkedBlockingQueue<>();
        final CountDownLatch disconnected = new CountDownLatch(1);
        private final AtomicReference<VhostDevice> device = new AtomicReference<>();
        private volatile boolean stopped;

        @Override
        public void newDevice(VhostDevice newDevice) {
            calls.add("newDevice");
            device.set(newDevice);
        }

        @Override
        public void destroyDevice(VhostDevice oldDevice) {
            calls.add("destroyDevice");
            device.set(null);
        }

        @Override
        public void destroyConnection(VhostDevice oldDevice) {
            disconnected.countDown();
        }

        @Override
        public void run() {
            Packet[] packets = new Packet[32];
            try (PacketPool pool = PacketPool.create(256, 2048)) {
                while (!stopped) {
                    VhostDevice now = device.get();
                    int count = now == null ? 0 : now.queue(1).dequeueBurst(pool, packets, 0, packets.length);
                    if (count == 0) {
                        Thread.onSpinWait();
                    } else {
                        now.queue(0).enqueueBurst(packets, 0, count);
                        pool.release(packets, 0, count);
                    }
                }
            }
        }

        void stop() {
            stopped = true;
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"packed_vq=0", "packed_vq=1"})
    void aPortIsStoppedAndStartedTenTimesAndPacketsFlowEachTime(String ring) throws Exception {
        int descriptors = Descriptor.openDescriptors();
        Path socket = directory.resolve("socket");
        Echo echo = new Echo();
        Thread poller = Thread.ofPlatform().name("echo").start(echo);
        try (VhostServer server = VhostServer.listen(socket, VhostConfig.defaults(), echo)) {
            try (TestPmd front = TestPmd.frontEnd(socket).device(ring).cpu(1).start()) {
                for (int round = 0; round <= RESTARTS; round++) {
                    if (round > 0) {
                        front.stopPort();
                        front.startPort();
                    }
                    long before = front.portCounters().received();
                    front.startSending(4);
                    front.awaitPortCounters(counters -> counters.received() > before + 1_000, LIMIT);
                    front.stop();
                }
                assertEquals(1, server.connectionCount());
                assertEquals(0, front.quit());
            }
            echo.disconnected.await();
        } finally {
            echo.stop();
            poller.join();
        }
        // How often a restart goes as far as to stop the rings is the front-end's affair.
        do {
            assertEquals("newDevice", echo.calls.poll());
            assertEquals("destroyDevice", echo.calls.poll());
        } while (!echo.calls.isEmpty());
        TestThreads.awaitNone(directory.toString());
        assertEquals(descriptors, Descriptor.openDescriptors(), "open descriptors");
        assertEquals(List.of(), Proc.mapsOf("hugepages"), "mappings");
    }

    @ParameterizedTest
    @ValueSource(strings = {"packed_vq=0", "packed_vq=1"})
    void packetsFlowAgainWhicheverSideOfAListeningFrontEndIsStartedAgain(String ring) throws Exception {
        Path socket = directory.resolve("socket");
        Echo echo = new Echo();
        Thread poller = Thread.ofPlatform().name("echo").start(echo);
        VhostClient client = VhostClient.connect(socket, VhostConfig.defaults(), echo);
        try {
            for (int round = 0; round < LISTENING_RESTARTS; round++) {
                try (TestPmd front = TestPmd.frontEnd(socket).device("server=1," + ring).cpu(1).start()) {
                    exchange(front);
                    for (int i = 0; i < LISTENING_RESTARTS; i++) {
                        client.close();
                        echo.calls.clear();
                        client = VhostClient.connect(socket, VhostConfig.defaults(), echo);
                        assertEquals("newDevice", echo.calls.poll(LIMIT.toSeconds(), TimeUnit.SECONDS));
                        exchange(front);
                    }
                    // Not its exit status: DPDK 22.11 leaves an alarm behind when a port that listens is
                    // closed. Where that goes off before the process has ended, after the last word, it finds
                    // the port's memory freed.
                    front.quit();
                    assertTrue(front.output().contains("Port 0 is closed"), front::output);
                }
            }
        } finally {
            client.close();
            echo.stop();
            poller.join();
        }
        TestThreads.awaitNone(directory.toString());
    }

    private static void exchange(TestPmd front) {
        long before = front.portCounters().received();
        front.startSending(4);
        front.awaitPortCounters(counters -> counters.received() > before + 1_000, LIMIT);
        front.stop();
    }
}
