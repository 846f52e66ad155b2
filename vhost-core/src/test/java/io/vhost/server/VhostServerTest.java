package io.vhost.server;

import static io.vhost.protocol.RawPeer.PLAIN;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.device.DeviceListener;
import io.vhost.device.VhostConfig;
import io.vhost.device.VhostDevice;
import io.vhost.device.VirtQueue;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.os.Descriptor;
import io.vhost.os.MemFd;
import io.vhost.os.OsException;
import io.vhost.os.Proc;
import io.vhost.os.UnixSocket;
import io.vhost.protocol.RawPeer;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class VhostServerTest {
    private static final VhostConfig CONFIG = VhostConfig.defaults();
    private static final DeviceListener DEAF = new DeviceListener() {};

    @TempDir
    private Path directory;

    private Path path;
    private int descriptorsBefore;

    @BeforeEach
    void countDescriptors() {
        path = directory.resolve("vm.sock");
        descriptorsBefore = Descriptor.openDescriptors();
    }

    @AfterEach
    void nothingIsLeft() throws InterruptedException {
        TestThreads.awaitNone(directory.toString());
        assertEquals(descriptorsBefore, Descriptor.openDescriptors(), "open descriptors");
        assertFalse(Files.exists(path), "the socket file");
    }

    private RawPeer connect() {
        return new RawPeer(UnixSocket.connect(path));
    }

    /** Sends a question and waits for the answer, so that the connection is certain to be served. */
    private static void ask(RawPeer peer) {
        peer.send(1, PLAIN);
        assertNotNull(peer.receive(), "answer");
    }

    /** Keeps what it is told. */
    private static class Recorder implements DeviceListener {
        final BlockingQueue<String> calls = new LinkedBlockingQueue<>();

        @Override
        public void newConnection(VhostDevice device) {
            calls.add("newConnection");
        }

        @Override
        public void destroyConnection(VhostDevice device) {
            calls.add("destroyConnection");
        }
    }

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
    void closingEndsEveryConnectionWithItsCallbacks() throws Exception {
        Recorder recorder = new Recorder();
        VhostServer server = VhostServer.listen(path, CONFIG, recorder);
        try (RawPeer first = connect(); RawPeer second = connect()) {
            ask(first);
            ask(second);
            server.close();
            assertEquals(List.of("newConnection", "newConnection", "destroyConnection", "destroyConnection"),
                    recorder.calls.stream().sorted(Comparator.reverseOrder()).toList());
            assertEquals(0, server.connectionCount());
            assertFalse(Files.exists(path));
            assertNull(first.receive());
            assertNull(second.receive());
            assertEquals(List.of(), TestThreads.named(path.toString()));
        }
        server.close();
    }

    @Test
    void closingFromManyThreadsAtOnceWaitsInEachOfThem() throws Exception {
        Recorder recorder = new Recorder();
        VhostServer server = VhostServer.listen(path, CONFIG, recorder);
        try (RawPeer peer = connect()) {
            ask(peer);
            CyclicBarrier start = new CyclicBarrier(4);
            List<Thread> closers = new ArrayList<>();
            List<Integer> seen = Collections.synchronizedList(new ArrayList<>());
            for (int i = 0; i < 4; i++) {
                closers.add(Thread.ofPlatform().start(() -> {
                    await(start);
                    server.close();
                    seen.add(recorder.calls.size());
                }));
            }
            for (Thread closer : closers) {
                closer.join();
            }
            assertEquals(List.of(2, 2, 2, 2), seen, "callbacks made when close returned");
        }
    }

    @Test
    void anInterruptDoesNotCutClosingShort() throws Exception {
        VhostServer server = VhostServer.listen(path, CONFIG, DEAF);
        Thread.currentThread().interrupt();
        server.close();
        assertTrue(Thread.interrupted(), "interrupt status");
        assertFalse(Files.exists(path));
    }

    /** Does the same in each callback of a listener, and keeps their names. */
    private abstract static class EachCallback implements DeviceListener {
        static final List<String> NAMES = List.of("newConnection", "featuresChanged", "vringStateChanged",
                "newDevice", "destroyDevice", "destroyConnection");

        final Set<String> called = ConcurrentHashMap.newKeySet();

        abstract void in(String callback);

        private void call(String callback) {
            called.add(callback);
            in(callback);
        }

        @Override
        public void newConnection(VhostDevice device) {
            call("newConnection");
        }

        @Override
        public void featuresChanged(VhostDevice device, long features) {
            call("featuresChanged");
        }

        @Override
        public void vringStateChanged(VirtQueue queue, boolean enabled) {
            call("vringStateChanged");
        }

        @Override
        public void newDevice(VhostDevice device) {
            call("newDevice");
        }

        @Override
        public void destroyDevice(VhostDevice device) {
            call("destroyDevice");
        }

        @Override
        public void destroyConnection(VhostDevice device) {
            call("destroyConnection");
        }
    }

    static List<String> callbacks() {
        return EachCallback.NAMES;
    }

    @ParameterizedTest
    @MethodSource("callbacks")
    void aServerCanBeClosedInsideItsCallbacks(String callback) throws Exception {
        AtomicReference<VhostServer> server = new AtomicReference<>();
        CountDownLatch listening = new CountDownLatch(1);
        CountDownLatch closed = new CountDownLatch(1);
        server.set(VhostServer.listen(path, CONFIG, new EachCallback() {
            @Override
            void in(String name) {
                if (name.equals(callback)) {
                    await(listening);
                    server.get().close();
                    assertFalse(Files.exists(path));
                    closed.countDown();
                }
            }
        }));
        listening.countDown();
        try (RawPeer peer = connect(); Descriptor memory = MemFd.create("closed", 4096)) {
            sendHandshake(peer, memory);
            peer.send(99, PLAIN);
            closed.await();
        } catch (OsException gone) {
            closed.await();
        }
        server.get().close();
        assertEquals(List.of(), TestThreads.named(path.toString()));
    }

    /** A little later each time; what must hold is looked at after each round, and after the test. */
    @Test
    void aServerCanBeClosedDuringAHandshake() throws Exception {
        try (Descriptor memory = MemFd.create("closed", 4096)) {
            for (int round = 0; round < 200; round++) {
                VhostServer server = VhostServer.listen(path, CONFIG, DEAF);
                Thread client;
                try (RawPeer peer = connect()) {
                    client = Thread.ofPlatform().start(() -> {
                        try {
                            sendHandshake(peer, memory);
                        } catch (OsException gone) {
                            return;   // closed before the end
                        }
                    });
                    for (int i = 0; i < 500 * round; i++) {
                        Thread.onSpinWait();
                    }
                    server.close();
                    client.join();
                }
                assertEquals(List.of(), TestThreads.named(path.toString()), "threads");
                assertEquals(List.of(), Proc.mapsOf("memfd:closed"), "mappings");
            }
        }
    }

    @Test
    void closingWaitsForThreadsOfConnectionsThatAreJustEnding() throws Exception {
        int alive = 0;
        for (int i = 0; i < 1000; i++) {
            AtomicReference<Thread> thread = new AtomicReference<>();
            VhostServer server = VhostServer.listen(path, CONFIG, new DeviceListener() {
                @Override
                public void destroyConnection(VhostDevice device) {
                    thread.set(Thread.currentThread());
                }
            });
            connect().close();
            while (thread.get() == null || server.connectionCount() > 0) {
                Thread.onSpinWait();
            }
            server.close();
            alive += thread.get().isAlive() ? 1 : 0;
        }
        assertEquals(0, alive);
    }

    @Test
    void callbacksThatCloseEachOthersServersDoNotWaitForEachOther() throws Exception {
        Path otherPath = directory.resolve("other.sock");
        AtomicReference<VhostServer> server = new AtomicReference<>();
        AtomicReference<VhostServer> other = new AtomicReference<>();
        CyclicBarrier inside = new CyclicBarrier(4);
        DeviceListener listener = new DeviceListener() {
            @Override
            public void newConnection(VhostDevice device) {
                await(inside);
                server.get().close();
                other.get().close();
            }
        };
        server.set(VhostServer.listen(path, CONFIG, listener));
        other.set(VhostServer.listen(otherPath, CONFIG, listener));
        try (RawPeer first = connect();
                RawPeer second = connect();
                RawPeer third = new RawPeer(UnixSocket.connect(otherPath));
                RawPeer fourth = new RawPeer(UnixSocket.connect(otherPath))) {
            for (RawPeer peer : List.of(first, second, third, fourth)) {
                assertNull(peer.receive());
            }
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
        Logger logger = Logger.getLogger("io.vhost.device");
        Handler handler = new Handler() {
            @Override
            public void publish(LogRecord record) {
                records.add(record.getMessage());
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        };
        logger.addHandler(handler);
        int connections = 200;
        try (VhostServer _ = VhostServer.listen(path, CONFIG, DEAF);
                Descriptor memory = MemFd.create("log", 4096)) {
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
        assertTrue(records.getFirst().contains("differs from the used index"), records::getFirst);
        assertTrue(records.size() >= 20 && records.size() < connections, () -> records.size() + " records");
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
            assertEquals(List.of(), Proc.mapsOf("memfd:"), "mappings");
            assertEquals(1, TestThreads.named(path.toString()).size(), "the accept thread alone");
        }
    }

    @Test
    void aStormOfConnectionsThatDoNotWaitIsSurvived() throws Exception {
        try (VhostServer _ = VhostServer.listen(path, CONFIG, DEAF)) {
            for (int i = 0; i < 1000; i++) {
                connect().close();
            }
            try (RawPeer peer = connect()) {
                ask(peer);
            }
        }
    }

    /** As a front-end does it, up to started rings. */
    private static void handshake(RawPeer peer, Descriptor memory) {
        sendHandshake(peer, memory);
        ask(peer);
    }

    private static void sendHandshake(RawPeer peer, Descriptor memory) {
        peer.send(3, PLAIN);
        peer.send(16, PLAIN, 0x10009L);
        peer.sendWithFiles(RawPeer.message(13, PLAIN, 0L), 1);
        peer.sendWithFiles(RawPeer.message(13, PLAIN, 1L), 1);
        peer.send(2, PLAIN, 1L << 30 | 1L << 32);
        long address = 0x7F00_0000_0000L;
        peer.sendBytes(RawPeer.message(5, PLAIN, 1, 0, address, 4096L, address, 0L), memory.fd());
        for (int ring = 0; ring < 2; ring++) {
            peer.send(8, PLAIN, ring, 64);
            peer.send(10, PLAIN, ring, 0);
            peer.send(9, PLAIN, ring, 0, address, address + 2048, address + 1024, 0L);
            peer.sendWithFiles(RawPeer.message(12, PLAIN, (long) ring), 1);
            peer.send(18, PLAIN, ring, 1);
        }
        peer.send(39, PLAIN, 0xFL);
    }

    private void awaitNoConnection(VhostServer server) throws InterruptedException {
        for (Thread thread : TestThreads.named(path.toString())) {
            if (!thread.getName().startsWith("vhost-accept")) {
                thread.join();
            }
        }
        assertEquals(0, server.connectionCount());
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static void await(CyclicBarrier barrier) {
        try {
            barrier.await();
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }
}
