package io.vhost.app.polling;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.app.Await;
import io.vhost.device.DeviceListener;
import io.vhost.device.VhostConfig;
import io.vhost.device.VhostDevice;
import io.vhost.device.VirtQueue;
import io.vhost.dma.DmaRegistry;
import io.vhost.driver.DriverConfig;
import io.vhost.driver.VirtioUser;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.server.VhostServer;
import io.vhost.testing.FaultyDmaEngine;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Queues of a device that runs, whose listener registers nothing. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class PacketQueueTest {
    private static final int ROUNDS = 20_000;

    @TempDir
    private Path directory;

    private final DmaRegistry dma = DmaKind.INLINE.channels(1);
    private final PacketPool pool = PacketPool.create(64, 2048);
    private final Packet[] packets = new Packet[32];
    private final BlockingQueue<VhostDevice> devices = new LinkedBlockingQueue<>();
    private VhostServer server;
    private VirtioUser guest;
    private VhostDevice device;

    @BeforeEach
    void connect() throws IOException, InterruptedException {
        server = VhostServer.listen(directory.resolve("socket"), VhostConfig.builder().asyncCopy(dma).build(),
                new DeviceListener() {
                    @Override
                    public void newDevice(VhostDevice begun) {
                        devices.add(begun);
                    }
                });
        guest = VirtioUser.connect(server.path(), DriverConfig.defaults());
        guest.start();
        device = devices.take();
    }

    @AfterEach
    void everyPacketIsBack() {
        guest.close();
        server.close();
        pool.close();
        dma.close();
    }

    private void take() {
        packets[0] = pool.take();
        packets[0].reset(60);
    }

    private void guestSends() {
        Packet[] sent = {guest.pool().take()};
        sent[0].reset(60);
        assertEquals(1, guest.transmitBurst(0, sent, 0, 1));
    }

    @Test
    void withoutAChannelTheCallerCopiesRegisteredOrNot() {
        List<PacketQueue> queues = PacketQueue.of(device, null);
        take();
        assertEquals(1, queues.get(0).send(packets, 0, 1));
        assertEquals(0, pool.outstanding());
        assertEquals(0, queues.get(0).settle());
        guestSends();
        assertEquals(1, queues.get(1).receive(pool, packets, 0, 32));
        packets[0].release();
    }

    /** Other queues may keep the channel busy while the receiver has all the room of its ring. */
    @ParameterizedTest
    @CsvSource({"520, 8", "6, 0"})
    void aBusyChannelHasNoRoomForABurstAndAnIdleOneHas(int depth, int accepted) {
        FaultyDmaEngine engine = FaultyDmaEngine.seeded(1).depth(depth).build();
        dma.configure("busy, which comes before the other", engine);
        PacketQueue queue = PacketQueue.of(device, dma).getFirst();
        queue.stateChanged(true);
        engine.hold(true);
        assertTrue(queue.hasRoom());
        for (int inFlight = 1; inFlight <= accepted + 1; inFlight++) {
            take();
            assertEquals(1, queue.send(packets, 0, 1));
            assertEquals(inFlight <= accepted, queue.hasRoom(), inFlight + " in flight");
        }
        engine.hold(false);
        Await.until("copies are done", () -> queue.settle() >= 0 && pool.outstanding() == 0);
        assertTrue(queue.hasRoom());
        dma.close();
        assertTrue(queue.hasRoom(), "it fails at once");
    }

    /** As while queues are dealt to other threads, and where each sender settles. */
    @Test
    void whatSeveralThreadsSettleGoesBackOnce() throws Exception {
        dma.configure("0", FaultyDmaEngine.seeded(1).build());
        PacketQueue queue = PacketQueue.of(device, dma).getFirst();
        queue.stateChanged(true);
        AtomicLong settled = new AtomicLong();
        AtomicBoolean over = new AtomicBoolean();
        int sent = 0;
        try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
            Callable<Void> settling = () -> {
                while (!over.get()) {
                    settled.addAndGet(queue.settle());
                }
                return null;
            };
            List<Future<Void>> ends = List.of(threads.submit(settling), threads.submit(settling));
            try {
                while (sent < ROUNDS && ends.stream().noneMatch(Future::isDone)) {
                    sent += sendAgain(queue);
                }
                int all = sent;
                Await.until("all are settled", () -> settled.get() == all
                        || ends.stream().anyMatch(Future::isDone));
            } finally {
                over.set(true);
            }
            for (Future<Void> end : ends) {
                end.get(50, TimeUnit.SECONDS);
            }
        }
        assertEquals(sent, settled.get());
        assertEquals(64, pool.available());
    }

    /** Some packets, after making room for them; how many. */
    private int sendAgain(PacketQueue queue) {
        Packet[] received = new Packet[32];
        guest.pool().release(received, 0, guest.receiveBurst(0, received, 0, 32));
        int taken = pool.take(packets, 0, 8);
        for (int i = 0; i < taken; i++) {
            packets[i].reset(60);
        }
        int sent = queue.send(packets, 0, taken);
        pool.release(packets, sent, taken - sent);
        return sent;
    }

    @Test
    void packetsOfSeveralPoolsInOneBurstGoBackToTheirs() {
        try (PacketPool other = PacketPool.create(4, 2048)) {
            PacketPool[] pools = {pool, other, other, pool, pool, other};
            for (int i = 0; i < pools.length; i++) {
                packets[i] = pools[i].take();
                packets[i].reset(60);
            }
            assertEquals(6, PacketQueue.of(device, null).get(0).send(packets, 0, 6));
            assertEquals(4, other.available());
            assertEquals(64, pool.available());
        }
    }

    @Test
    void withAChannelAQueueThatRunsMovesNothingUntilItIsRegistered() {
        List<PacketQueue> queues = PacketQueue.of(device, dma);
        assertTrue(queues.get(0).isRunning() && queues.get(1).isRunning());
        take();
        guestSends();
        assertEquals(0, queues.get(0).send(packets, 0, 1));
        assertEquals(1, pool.outstanding(), "it is the caller's");
        assertEquals(0, queues.get(0).settle());
        assertEquals(0, queues.get(1).receive(pool, packets, 1, 31));
        queues.forEach(queue -> queue.stateChanged(true));
        assertEquals(1, queues.get(0).send(packets, 0, 1));
        assertEquals(1, queues.get(0).settle());
        assertEquals(0, pool.outstanding());
        assertEquals(1, queues.get(1).receive(pool, packets, 0, 32));
        packets[0].release();
    }

    @Test
    void aBurstTakesTheLockOnce() {
        List<PacketQueue> queues = PacketQueue.of(device, dma);
        queues.forEach(queue -> queue.stateChanged(true));
        take();
        guestSends();
        assertEquals(1, locked(0, () -> queues.get(0).send(packets, 0, 1)));
        assertEquals(1, locked(0, queues.get(0)::settle));
        assertEquals(1, locked(1, () -> queues.get(1).receive(pool, packets, 0, 32)));
        packets[0].release();
    }

    /** How often a burst that moves one packet takes the lock of its queue. */
    private long locked(int queue, IntSupplier burst) {
        long before = device.queue(queue).access_lock.acquired();
        assertEquals(1, burst.getAsInt());
        return device.queue(queue).access_lock.acquired() - before;
    }

    /** A front-end may stop the first pair alone, with which the device ends. */
    @Test
    void aQueueThatRunsStaysRegisteredWhenTheDeviceEnds() {
        List<PacketQueue> queues = PacketQueue.of(device, dma);
        queues.forEach(queue -> queue.stateChanged(true));
        take();
        assertEquals(1, queues.get(0).send(packets, 0, 1));
        queues.forEach(PacketQueue::end);
        assertEquals(0, pool.outstanding(), "put back");
        take();
        assertEquals(1, queues.get(0).send(packets, 0, 1));
        assertEquals(1, queues.get(0).settle());
    }

    /** The thread that polls is not told of it, and no packet is lost between the two. */
    @Test
    void aRegistrationThatComesAndGoesDoesNotDisturbThePollingThread() {
        List<PacketQueue> queues = PacketQueue.of(device, dma);
        AtomicLong sent = new AtomicLong();
        PollingThread thread = new PollingThread("test", OptionalInt.empty(), Idle.sharing(), () -> {
            int accepted = 0;
            if (pool.take(packets, 0, 1) == 1) {
                packets[0].reset(60);
                accepted = queues.get(0).send(packets, 0, 1);
                pool.release(packets, 0, 1 - accepted);
            }
            int received = queues.get(1).receive(pool, packets, 0, 32);
            pool.release(packets, 0, received);
            sent.addAndGet(accepted);
            return accepted + received + queues.get(0).settle();
        }).start();
        long arrived = 0;
        for (int i = 0; thread.failure() == null && (i < ROUNDS || sent.get() == 0); i++) {
            register(queues, true);
            arrived += guestReceives();
            register(queues, false);
        }
        thread.close();
        thread.check();
        assertEquals(0, pool.outstanding());
        long before = arrived;
        AtomicLong last = new AtomicLong();
        Await.until("the guest has what was sent",
                () -> before + last.addAndGet(guestReceives()) == sent.get());
    }

    /** What a listener may do at any time; the queues go on running. */
    private void register(List<PacketQueue> queues, boolean registered) {
        for (int i = 0; i < queues.size(); i++) {
            VirtQueue queue = device.queue(i);
            queue.access_lock.lock();
            try {
                queues.get(i).stateChanged(registered);
                if (!registered) {
                    queue.unregisterAsync();
                }
            } finally {
                queue.access_lock.unlock();
            }
        }
    }

    private int guestReceives() {
        Packet[] received = new Packet[32];
        int count = guest.receiveBurst(0, received, 0, 32);
        guest.pool().release(received, 0, count);
        return count;
    }
}
