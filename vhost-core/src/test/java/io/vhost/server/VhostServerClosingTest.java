package io.vhost.server;

import static io.vhost.protocol.RawPeer.PLAIN;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.Rounds;
import io.vhost.device.DeviceListener;
import io.vhost.device.QueueWaiter;
import io.vhost.device.VhostDevice;
import io.vhost.device.VirtQueue;
import io.vhost.driver.DriverConfig;
import io.vhost.driver.VirtioUser;
import io.vhost.os.Descriptor;
import io.vhost.os.MemFd;
import io.vhost.os.OsException;
import io.vhost.os.Proc;
import io.vhost.os.UnixSocket;
import io.vhost.protocol.RawPeer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The end of a server: from anywhere, at any time, and with all that it waits for. */
class VhostServerClosingTest extends ServerFixture {
    private static final int ROUNDS = Rounds.of("closing.rounds", 200);

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

    /** Whether the thread waits already or only begins to, and whatever its queue did before. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void closingEndsTheWaitForAQueue(boolean stopped) throws Exception {
        for (int spins = 0; spins < ROUNDS; spins++) {
            CompletableFuture<VhostDevice> arrived = new CompletableFuture<>();
            VhostServer server = VhostServer.listen(path, CONFIG, new DeviceListener() {
                @Override
                public void newConnection(VhostDevice device) {
                    arrived.complete(device);
                }
            });
            try (VirtioUser _ = stopped ? null : VirtioUser.connect(path, DriverConfig.defaults());
                    RawPeer peer = stopped ? connect() : null;
                    QueueWaiter waiter = new QueueWaiter()) {
                if (peer != null) {
                    ask(peer);
                }
                VirtQueue queue = arrived.get().queue(1);
                FutureTask<Boolean> wait =
                        new FutureTask<>(() -> waiter.await(QueueWaiter.FOREVER, queue));
                Thread.ofPlatform().start(wait);
                for (int spin = 0; spin < spins * 10_000 / ROUNDS; spin++) {
                    Thread.onSpinWait();
                }
                server.close();
                assertTrue(wait.get());
                assertTrue(waiter.await(QueueWaiter.FOREVER, queue), "and every later one");
            }
        }
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
            for (int round = 0; round < ROUNDS; round++) {
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
                    for (int i = 0; i < 100_000 / ROUNDS * round; i++) {
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
        for (int i = 0; i < ROUNDS; i++) {
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
}
