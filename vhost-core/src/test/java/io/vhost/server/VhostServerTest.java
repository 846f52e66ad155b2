package io.vhost.server;

import static io.vhost.protocol.RawPeer.PLAIN;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.device.DeviceListener;
import io.vhost.device.VhostConfig;
import io.vhost.device.VhostDevice;
import io.vhost.device.VirtQueue;
import io.vhost.limit.ResourceLimits;
import io.vhost.limit.ResourceUsage;
import io.vhost.limit.account.ResourceAccount;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.os.Descriptor;
import io.vhost.os.MemFd;
import io.vhost.os.OsException;
import io.vhost.os.Proc;
import io.vhost.protocol.RawPeer;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;

/** Front-ends that come and go, and what they and the application do to each other; {@link ServerFixture}. */
class VhostServerTest extends ServerFixture {
    @Test
    void frontEndsConnectOneAfterAnotherAndAtOnce() throws Exception {
        Recorder recorder = new Recorder();
        try (VhostServer server = VhostServer.listen(path, CONFIG, recorder)) {
            for (int i = 0; i < 3; i++) {
                try (RawPeer peer = connect()) {
                    ask(peer);
                }
                assertEquals("newConnection", recorder.calls.take());
                assertEquals("destroyConnection", recorder.calls.take());
            }
            try (RawPeer first = connect(); RawPeer second = connect(); RawPeer third = connect()) {
                for (RawPeer peer : List.of(first, second, third, first, second, third)) {
                    ask(peer);
                }
                assertEquals(3, server.connectionCount());
            }
        }
    }

    @Test
    void aConnectionThatEndsInAFaultLeavesTheOthersAlone() throws Exception {
        try (VhostServer _ = VhostServer.listen(path, CONFIG, DEAF); RawPeer good = connect()) {
            ask(good);
            try (RawPeer bad = connect()) {
                bad.sendBytes("no such protocol".getBytes(US_ASCII));
                assertNull(bad.receive());
            }
            ask(good);
        }
    }

    @Test
    void aBlockedCallbackHoldsUpItsOwnConnectionOnly() throws Exception {
        CountDownLatch blocked = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        AtomicInteger connections = new AtomicInteger();
        DeviceListener listener = new DeviceListener() {
            @Override
            public void newConnection(VhostDevice device) {
                if (connections.incrementAndGet() == 1) {
                    blocked.countDown();
                    await(release);
                }
            }
        };
        try (VhostServer _ = VhostServer.listen(path, CONFIG, listener); RawPeer first = connect()) {
            blocked.await();
            try (RawPeer second = connect()) {
                ask(second);
            }
            release.countDown();
            ask(first);
        }
    }

    @Test
    void whatAnApplicationThrowsInItsCallbacksEndsNoConnection() throws Exception {
        EachCallback listener = new EachCallback() {
            @Override
            void in(String callback) {
                throw new IllegalStateException("thrown on purpose in " + callback);
            }
        };
        try (VhostServer server = VhostServer.listen(path, CONFIG, listener);
                RawPeer first = connect();
                Descriptor memory = MemFd.create("thrown", 4096)) {
            handshake(first, memory);
            try (RawPeer second = connect()) {
                handshake(second, memory);
            }
            while (server.connectionCount() > 1) {
                Thread.onSpinWait();
            }
            ask(first);
            assertEquals(Set.copyOf(EachCallback.NAMES), listener.called);
        }
    }

    @Test
    void aPathThatCannotBeUsedIsExplained() throws Exception {
        assertRefused(directory.resolve("x".repeat(108)), "107");
        assertRefused(directory.resolve("missing").resolve("vm.sock"), "missing");
        Path file = Files.createFile(directory.resolve("file"));
        assertRefused(file, "not a socket");
        try (VhostServer _ = VhostServer.listen(path, CONFIG, DEAF)) {
            assertRefused(path, "live process");
        }
    }

    @Test
    void theSocketsFileHasThePermissionsAskedFor() throws Exception {
        for (String wanted : List.of("rw-rw----", "rw-rw-rw-", "rwx-w--wx")) {
            try (VhostServer server =
                    VhostServer.listen(path, PosixFilePermissions.fromString(wanted), CONFIG, DEAF)) {
                assertEquals(wanted,
                        PosixFilePermissions.toString(Files.getPosixFilePermissions(server.path())));
            }
        }
        try (VhostServer server = VhostServer.listen(path, CONFIG, DEAF)) {
            assertEquals("rw-------",
                    PosixFilePermissions.toString(Files.getPosixFilePermissions(server.path())));
        }
    }

    private static void assertRefused(Path path, String reason) {
        IOException failure = assertThrows(IOException.class, () -> VhostServer.listen(path, CONFIG, DEAF));
        assertTrue(failure.getMessage().contains(path.toString()), failure::getMessage);
        assertTrue(failure.getMessage().contains(reason), failure::getMessage);
        assertInstanceOf(OsException.class, failure.getCause());
    }

    @Test
    void aDeviceWhoseMemoryIsGoneLosesItsConnectionOnly() throws Exception {
        BlockingQueue<VhostDevice> devices = new LinkedBlockingQueue<>();
        DeviceListener listener = new DeviceListener() {
            @Override
            public void newDevice(VhostDevice device) {
                devices.add(device);
            }
        };
        try (VhostServer _ = VhostServer.listen(path, CONFIG, listener);
                RawPeer good = connect();
                RawPeer bad = connect();
                PacketPool pool = PacketPool.create(4, 2048);
                Descriptor memory = MemFd.create("truncated", 4096)) {
            handshake(good, memory);
            devices.take();
            try (Descriptor shrinking = MemFd.create("truncated", 4096)) {
                handshake(bad, shrinking);
                VirtQueue queue = devices.take().queue(1);
                try (FileChannel file = FileChannel.open(Path.of("/proc/self/fd/" + shrinking.fd()), WRITE)) {
                    file.truncate(0);
                }
                assertEquals(0, queue.dequeueBurst(pool, new Packet[4], 0, 4));
            }
            assertNull(bad.receive());
            ask(good);
        }
    }

    /** A limit for each connection would be none for a front-end that connects again and again. */
    @Test
    void whatFrontEndsHaveLoggedWithEachConnectionIsLimited() throws Exception {
        List<String> records = Collections.synchronizedList(new ArrayList<>());
        AtomicInteger news = new AtomicInteger();
        Logger logger = Logger.getLogger("io.vhost.device");
        Handler handler = new Handler() {
            @Override
            public void publish(LogRecord record) {
                if (record.getMessage().contains("differs from the used index")) {
                    records.add(record.getMessage());
                } else {
                    news.incrementAndGet();
                }
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
        logger.addHandler(handler);
        int connections = 200;
        try (VhostServer _ = VhostServer.listen(path, CONFIG, DEAF);
                Descriptor memory = MemFd.createSealed("log", 4096)) {
            for (int i = 0; i < connections; i++) {
                try (RawPeer peer = connect()) {
                    handshake(peer, memory);
                    peer.send(11, PLAIN, 1, 0);
                    assertNotNull(peer.receive());
                    peer.send(10, PLAIN, 1, 7);   // behind what the ring says
                    peer.sendWithFiles(RawPeer.message(12, PLAIN, 1L), 1);
                    ask(peer);
                }
            }
        } finally {
            logger.removeHandler(handler);
        }
        assertTrue(records.size() > 5 && records.size() < connections, () -> records.size() + " records");
        assertTrue(news.get() > 0 && news.get() < 2 * connections, () -> news + " news");
    }

    @Test
    void aThousandFrontEndsLeaveNothingBehind() throws Exception {
        try (VhostServer server = VhostServer.listen(path, CONFIG, DEAF)) {
            try (RawPeer warmUp = connect(); Descriptor memory = MemFd.create("cycle", 4096)) {
                handshake(warmUp, memory);
            }
            awaitNoConnection(server);
            int descriptors = Descriptor.openDescriptors();
            long sockets = Proc.descriptorsOf("socket:");
            long eventfds = Proc.descriptorsOf("eventfd");
            ResourceUsage taken = ResourceAccount.ofProcess().usage();
            for (int i = 0; i < 1000; i++) {
                try (RawPeer peer = connect(); Descriptor memory = MemFd.create("cycle", 4096)) {
                    handshake(peer, memory);
                }
            }
            awaitNoConnection(server);
            assertEquals(descriptors, Descriptor.openDescriptors(), "open descriptors");
            assertEquals(sockets, Proc.descriptorsOf("socket:"), "sockets");
            assertEquals(eventfds, Proc.descriptorsOf("eventfd"), "eventfds");
            assertEquals(0, Proc.descriptorsOf("memfd:"), "memory files");
            assertEquals(taken, ResourceAccount.ofProcess().usage(), "what is taken, and refused");
            assertEquals(0, server.refusedConnections());
            assertEquals(List.of(), Proc.mapsOf("memfd:"), "mappings");
            assertEquals(1, TestThreads.named(path.toString()).size(), "the accept thread alone");
        }
    }

    @Test
    void aStormOfConnectionsThatDoNotWaitIsSurvived() throws Exception {
        ResourceLimits enough = ResourceLimits.builder().connections(1001).processConnections(2000).build();
        VhostConfig config = VhostConfig.builder().limits(enough).build();
        try (VhostServer _ = VhostServer.listen(path, config, DEAF)) {
            for (int i = 0; i < 1000; i++) {
                connect().close();
            }
            try (RawPeer peer = connect()) {
                ask(peer);
            }
        }
    }

    private void awaitNoConnection(VhostServer server) throws InterruptedException {
        for (Thread thread : TestThreads.named(path.toString())) {
            if (!thread.getName().contains(" accept ")) {
                thread.join();
            }
        }
        assertEquals(0, server.connectionCount());
    }
}
