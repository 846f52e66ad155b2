package io.vhost.server;

import static io.vhost.protocol.RawPeer.PLAIN;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.vhost.device.QueueWaiter;
import io.vhost.device.VhostConfig;
import io.vhost.device.VhostDevice;
import io.vhost.device.VirtQueue;
import io.vhost.dma.DmaRegistry;
import io.vhost.dma.engine.InlineDmaEngine;
import io.vhost.driver.DriverConfig;
import io.vhost.driver.VirtioUser;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.os.Descriptor;
import io.vhost.os.MemFd;
import io.vhost.os.OsException;
import io.vhost.os.UnixListener;
import io.vhost.protocol.RawPeer;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Calls from callbacks, locks of the application, and front-ends that stop in the middle: nothing waits. */
class DeadlockTest extends ServerFixture {
    private static final String RUNS = "vringStateChanged true";
    private static final String STOPS = "vringStateChanged false";

    @RegisterExtension
    final ThreadDump dump = new ThreadDump();

    static List<String> callbacks() {
        List<String> names = new ArrayList<>(EachCallback.NAMES);
        names.remove("vringStateChanged");
        names.addAll(List.of(RUNS, STOPS));
        return names;
    }

    /** Does the same in each callback, those of queues that run and that stop apart. */
    private abstract static class InEach extends EachCallback {
        @Override
        public void vringStateChanged(VirtQueue queue, boolean enabled) {
            in(enabled ? RUNS : STOPS);
        }
    }

    @ParameterizedTest
    @MethodSource("callbacks")
    void everythingCanBeClosedInACallback(String callback) throws Exception {
        DmaRegistry registry = new DmaRegistry();
        registry.configure("inline", new InlineDmaEngine());
        PacketPool pool = PacketPool.create(4, 2048);
        QueueWaiter waiter = new QueueWaiter();
        AtomicReference<VhostServer> server = new AtomicReference<>();
        CountDownLatch listening = new CountDownLatch(1);
        CountDownLatch closed = new CountDownLatch(1);
        server.set(VhostServer.listen(path, VhostConfig.builder().asyncCopy(registry).build(), new InEach() {
            @Override
            void in(String name) {
                if (name.equals(callback)) {
                    await(listening);
                    server.get().close();
                    waiter.wakeUp();
                    waiter.close();
                    pool.close();
                    registry.close();
                    closed.countDown();
                }
            }
        }));
        listening.countDown();
        try (RawPeer peer = connect(); Descriptor memory = MemFd.create("closed", 4096)) {
            sendHandshake(peer, memory);
        } catch (OsException gone) {
            closed.await();
        }
        closed.await();
        server.get().close();
        assertEquals(List.of(), TestThreads.named(path.toString()));
    }

    @ParameterizedTest
    @MethodSource("callbacks")
    void aClientCanBeClosedInACallback(String callback) throws Exception {
        AtomicReference<VhostClient> client = new AtomicReference<>();
        CountDownLatch connecting = new CountDownLatch(1);
        CountDownLatch closed = new CountDownLatch(1);
        try (UnixListener listener = UnixListener.bind(path, 0600);
                Descriptor memory = MemFd.create("closed", 4096)) {
            client.set(VhostClient.connect(path, CONFIG, new InEach() {
                @Override
                void in(String name) {
                    if (name.equals(callback)) {
                        await(connecting);
                        client.get().close();
                        closed.countDown();
                    }
                }
            }));
            connecting.countDown();
            try (RawPeer peer = new RawPeer(listener.accept())) {
                sendHandshake(peer, memory);
            } catch (OsException gone) {
                closed.await();
            }
            closed.await();
        }
        client.get().close();
    }

    /** The application's lock is the outermost in its own calls, and the innermost in callbacks. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void oneLockAroundEveryBurstAndInEveryCallback(boolean packed) throws Exception {
        ReentrantLock lock = new ReentrantLock();
        AtomicReference<VhostDevice> device = new AtomicReference<>();
        AtomicInteger begun = new AtomicInteger();
        InEach listener = new InEach() {
            @Override
            void in(String name) {
                lock.lock();
                try {
                    begun.addAndGet(name.equals("newDevice") ? 1 : 0);
                } finally {
                    lock.unlock();
                }
            }

            @Override
            public void newDevice(VhostDevice present) {
                device.set(present);
                in("newDevice");
            }
        };
        AtomicInteger ended = new AtomicInteger();
        try (PacketPool pool = PacketPool.create(64, 2048);
                VhostServer server = VhostServer.listen(path, CONFIG, listener)) {
            Thread poller = Thread.ofPlatform().daemon().name("poller").start(() -> {
                Packet[] packets = new Packet[16];
                while (ended.get() == 0) {
                    lock.lock();
                    try {
                        VhostDevice present = device.get();
                        if (present != null && server.connectionCount() > 0) {
                            int count = present.queue(1).dequeueBurst(pool, packets, 0, 16);
                            present.queue(0).enqueueBurst(packets, 0, count);
                            pool.release(packets, 0, count);
                        }
                    } finally {
                        lock.unlock();
                    }
                }
            });
            DriverConfig split = DriverConfig.defaults();
            DriverConfig config = packed ? split.withPackedRings() : split;
            Packet[] packets = new Packet[16];
            for (int round = 0; round < 10; round++) {
                try (VirtioUser guest = VirtioUser.connect(path, config)) {
                    guest.start();
                    int received = 0;
                    while (received < 64 || begun.get() <= round) {
                        int count = guest.pool().take(packets, 0, 16);
                        for (int i = 0; i < count; i++) {
                            packets[i].reset(60);
                        }
                        int sent = guest.transmitBurst(0, packets, 0, count);
                        guest.pool().release(packets, sent, count - sent);
                        int back = guest.receiveBurst(0, packets, 0, 16);
                        guest.pool().release(packets, 0, back);
                        received += back;
                    }
                }
            }
            ended.set(1);
            poller.join();
        }
    }

    /** At least 200 connections by 8 threads, to a path where 11 servers follow each other. */
    @Test
    void frontEndsStormAPathWhoseServerIsReplaced() throws Exception {
        AtomicInteger connected = new AtomicInteger();
        AtomicInteger begun = new AtomicInteger();
        AtomicInteger over = new AtomicInteger();
        AtomicInteger done = new AtomicInteger();
        InEach listener = new InEach() {
            @Override
            void in(String name) {
                begun.addAndGet(name.equals("newConnection") ? 1 : 0);
                over.addAndGet(name.equals("destroyConnection") ? 1 : 0);
            }
        };
        List<Thread> clients = new ArrayList<>();
        AtomicReference<Throwable> failure = new AtomicReference<>();
        try (Descriptor memory = MemFd.create("storm", 4096)) {
            for (int i = 0; i < 8; i++) {
                clients.add(Thread.ofPlatform().daemon().name("client").start(() -> {
                    while (done.get() == 0 && failure.get() == null) {
                        try (RawPeer peer = connect()) {
                            sendHandshake(peer, memory);
                            peer.send(1, PLAIN);
                            connected.addAndGet(peer.receive() != null ? 1 : 0);
                        } catch (OsException gone) {
                            Thread.onSpinWait();
                        } catch (RuntimeException | Error e) {
                            failure.set(e);
                        }
                    }
                }));
            }
            int servers = 0;
            while ((connected.get() < 200 || servers < 11) && failure.get() == null) {
                int goal = connected.get() + 4;
                try (VhostServer _ = VhostServer.listen(path, CONFIG, listener)) {
                    while (connected.get() < goal && failure.get() == null) {
                        Thread.onSpinWait();
                    }
                }
                assertEquals(begun.get(), over.get(), "callbacks");
                assertFalse(Files.exists(path));
                servers++;
            }
            done.set(1);
            for (Thread client : clients) {
                client.join();
            }
            assertNull(failure.get());
        }
    }

    /** Nothing at all, half a header, a header without its payload. */
    @ParameterizedTest
    @ValueSource(ints = {0, 6, 12, 15})
    void aFrontEndThatStopsInTheMiddleHoldsUpNoEnd(int bytes) throws Exception {
        Recorder recorder = new Recorder();
        VhostServer server = VhostServer.listen(path, CONFIG, recorder);
        try (RawPeer silent = connect(); RawPeer other = connect()) {
            ask(silent);
            ask(other);
            silent.sendBytes(Arrays.copyOf(RawPeer.message(2, PLAIN, 0L), bytes));
            ask(other);
            server.close();
            assertEquals(0, server.connectionCount());
        }
        assertEquals(4, recorder.calls.size());
    }

    /** Its socket is full in both directions: the server waits for room, and is closed nevertheless. */
    @Test
    void aFrontEndThatNeverReadsItsRepliesHoldsUpNoEnd() throws Exception {
        VhostServer server = VhostServer.listen(path, CONFIG, DEAF);
        try (RawPeer deaf = connect(); RawPeer other = connect()) {
            ask(other);
            AtomicLong sent = new AtomicLong();
            Thread sender = Thread.ofPlatform().daemon().name("never reads").start(() -> {
                try {
                    while (true) {
                        deaf.send(1, PLAIN);
                        sent.incrementAndGet();
                    }
                } catch (OsException closed) {
                    sent.set(-1);
                }
            });
            while (!isAnswering(server)) {
                Thread.onSpinWait();
            }
            ask(other);
            server.close();
            sender.join();
            assertEquals(-1, sent.get());
        }
    }

    /** Whether a connection's thread stands still in an answer: the same in many looks. */
    private static boolean isAnswering(VhostServer server) {
        int looks = 0;
        while (looks < 200 && TestThreads.named(server.path().toString()).stream().anyMatch(thread ->
                List.of(thread.getStackTrace()).toString().contains("UnixSocket.send"))) {
            looks++;
        }
        return looks == 200;
    }

    /** It holds up the end of its own server, which waits for callbacks, and nothing else. */
    @Test
    void aCallbackThatBlocksHoldsUpItsConnectionAndTheEndOfItsServer() throws Exception {
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        AtomicInteger first = new AtomicInteger();
        VhostServer server = VhostServer.listen(path, CONFIG, new InEach() {
            @Override
            void in(String name) {
                if (name.equals(RUNS) && first.getAndIncrement() == 0) {
                    inside.countDown();
                    await(release);
                }
            }
        });
        try (Descriptor memory = MemFd.create("blocked", 4096); RawPeer blocked = connect()) {
            sendHandshake(blocked, memory);
            inside.await();
            try (RawPeer other = connect()) {
                handshake(other, memory);
            }
            Thread closer = Thread.ofPlatform().daemon().name("closer").start(server::close);
            while (Files.exists(path) || !waits(closer)) {
                Thread.onSpinWait();
            }
            // The other one's thread may still be about to end; the blocked one's stays.
            while (server.connectionCount() > 1) {
                Thread.onSpinWait();
            }
            assertEquals(1, server.connectionCount());
            release.countDown();
            closer.join();
        }
        assertEquals(0, server.connectionCount());
    }

    private static boolean waits(Thread thread) {
        return thread.getState() == Thread.State.WAITING || thread.getState() == Thread.State.TIMED_WAITING;
    }
}
