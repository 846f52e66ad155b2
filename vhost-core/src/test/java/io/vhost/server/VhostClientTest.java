package io.vhost.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.device.DeviceListener;
import io.vhost.device.VhostConfig;
import io.vhost.device.VhostDevice;
import io.vhost.os.Descriptor;
import io.vhost.os.UnixListener;
import io.vhost.os.UnixSocket;
import io.vhost.protocol.RawPeer;
import io.vhost.state.QueueCounters.Counter;
import java.lang.ref.WeakReference;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
@SuppressWarnings("try")   // closing twice is allowed, and once is in the middle
class VhostClientTest {
    @TempDir
    private Path directory;

    @Test
    void itConnectsWheneverSomebodyListens() throws Exception {
        int before = Descriptor.openDescriptors();
        Path path = directory.resolve("front.sock");
        BlockingQueue<String> calls = new LinkedBlockingQueue<>();
        DeviceListener listener = new DeviceListener() {
            @Override
            public void newConnection(VhostDevice device) {
                calls.add("connected");
            }

            @Override
            public void destroyConnection(VhostDevice device) {
                calls.add("gone");
            }
        };
        try (VhostClient client = VhostClient.connect(path, VhostConfig.defaults(), listener)) {
            assertFalse(client.isConnected());
            for (int i = 0; i < 3; i++) {
                try (UnixListener frontEnd = UnixListener.bind(path);
                        RawPeer peer = new RawPeer(frontEnd.accept())) {
                    assertEquals("connected", calls.take());
                    peer.send(1, RawPeer.PLAIN);
                    assertEquals(1, peer.receive().id());
                    assertTrue(client.isConnected());
                }
                assertEquals("gone", calls.take());
            }
            try (UnixListener frontEnd = UnixListener.bind(path);
                    RawPeer peer = new RawPeer(frontEnd.accept())) {
                assertEquals("connected", calls.take());
                client.close();
                assertEquals("gone", calls.take());
                assertNull(peer.receive(), "the connection is closed");
            }
        }
        assertEquals(before, Descriptor.openDescriptors());
        TestThreads.awaitNone(path.toString());
    }

    /** What was counted stays; the device does not. */
    @Test
    @SuppressWarnings("GuardedBy")   // the misuse is what is counted
    void totalsGoOnAndDevicesOfFormerFrontEndsAreForgotten() throws Exception {
        Path path = directory.resolve("front.sock");
        BlockingQueue<WeakReference<VhostDevice>> devices = new LinkedBlockingQueue<>();
        DeviceListener listener = new DeviceListener() {
            @Override
            public void newConnection(VhostDevice device) {
                assertThrows(IllegalMonitorStateException.class,
                        () -> device.queue(1).registerAsyncThreadUnsafe());
            }

            @Override
            public void destroyConnection(VhostDevice device) {
                devices.add(new WeakReference<>(device));
            }
        };
        try (VhostClient client = VhostClient.connect(path, VhostConfig.defaults(), listener)) {
            for (int i = 1; i <= 3; i++) {
                try (UnixListener frontEnd = UnixListener.bind(path);
                        RawPeer peer = new RawPeer(frontEnd.accept())) {
                    peer.send(1, RawPeer.PLAIN);
                    assertEquals(1, peer.receive().id());
                    assertEquals(i, client.counted(1, Counter.LOCK_MISUSE));
                }
            }
            WeakReference<VhostDevice> first = devices.take();
            devices.take();
            devices.take();
            while (first.get() != null) {
                System.gc();
            }
            assertEquals(3, client.counted(1, Counter.LOCK_MISUSE));
            assertEquals(0, client.counted(0, Counter.LOCK_MISUSE));
        }
        TestThreads.awaitNone(path.toString());
    }

    @Test
    void itCanBeClosedWhileAFrontEndListensAndAcceptsNobody() throws Exception {
        Path path = directory.resolve("front.sock");
        try (UnixListener _ = UnixListener.bind(path, UnixListener.OWNER_ONLY, 1);
                UnixSocket _ = UnixSocket.connect(path);
                UnixSocket _ = UnixSocket.connect(path)) {
            VhostClient client = VhostClient.connect(path, VhostConfig.defaults(), new DeviceListener() {});
            while (TestThreads.named(path.toString()).stream().noneMatch(VhostClientTest::isConnecting)) {
                Thread.onSpinWait();
            }
            client.close();
        }
        TestThreads.awaitNone(path.toString());
    }

    private static boolean isConnecting(Thread thread) {
        return Arrays.stream(thread.getStackTrace())
                .anyMatch(frame -> frame.getMethodName().equals("connect"));
    }

    @Test
    void itCanBeClosedInItsCallback() throws Exception {
        Path path = directory.resolve("front.sock");
        AtomicReference<VhostClient> client = new AtomicReference<>();
        BlockingQueue<String> calls = new LinkedBlockingQueue<>();
        DeviceListener listener = new DeviceListener() {
            @Override
            public void newConnection(VhostDevice device) {
                while (client.get() == null) {
                    Thread.onSpinWait();
                }
                client.get().close();
                calls.add("closed");
            }
        };
        try (UnixListener frontEnd = UnixListener.bind(path)) {
            client.set(VhostClient.connect(path, VhostConfig.defaults(), listener));
            try (RawPeer peer = new RawPeer(frontEnd.accept())) {
                assertEquals("closed", calls.take());
                assertNull(peer.receive());
            }
        }
        TestThreads.awaitNone(path.toString());
    }
}
