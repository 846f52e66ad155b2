package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.Rounds;
import io.vhost.dma.DmaChannel;
import io.vhost.dma.DmaRegistry;
import io.vhost.dma.engine.InlineDmaEngine;
import io.vhost.dma.engine.WorkerDmaEngine;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.state.QueueCounters;
import io.vhost.state.QueueCounters.Counter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Threads that really run at once: one submits, two poll, one receives, the guest works, and the front-end
 * changes its mind; two queues share three channels. {@code -Dtorture.packets} says how many packets must
 * pass each way.
 */
class AsyncConcurrencyTest extends EachFormat {
    private static final int ENOUGH = Rounds.of("torture.packets", 5_000);
    private static final int PACKETS = 200;

    private final DmaRegistry registry = new DmaRegistry();
    private final PacketPool pool = PacketPool.create(PACKETS, PacketPool.DEFAULT_HEADROOM + 1600);
    private final AtomicIntegerArray lent = new AtomicIntegerArray(PACKETS);
    private final AtomicLong accepted = new AtomicLong();
    private final AtomicLong returned = new AtomicLong();
    private final AtomicLong delivered = new AtomicLong();
    private final AtomicLong received = new AtomicLong();
    private DmaChannel[] channels;
    private TestGuest guest;
    private final CountDownLatch enough = new CountDownLatch(1);
    private final Semaphore turns = new Semaphore(0);
    private volatile boolean over;

    @Test
    @Timeout(120)
    void channelsAndQueuesAreSharedByThreadsWhileTheRingsComeAndGo() throws Exception {
        channels = new DmaChannel[] {
            registry.configure("one", new WorkerDmaEngine("concurrency 1")),
            registry.configure("two", new WorkerDmaEngine("concurrency 2")),
            registry.configure("three", new InlineDmaEngine())
        };
        guest = new TestGuest(features(), 32,
                VhostConfig.builder().asyncCopy(registry).copyTimeout(Duration.ofMinutes(1)).build());
        guest.start();
        guest.listener.action = call -> guest.listener.calls.clear();
        guest.device.queue(0).registerAsync();
        guest.device.queue(1).registerAsync();
        TortureReceiver receiver = new TortureReceiver(guest, new Random(1), true);
        TortureSender sender = new TortureSender(guest, new Random(2));
        run(List.of(this::submit, () -> poll(false), () -> poll(true), this::receive, this::control,
                () -> work(receiver, sender)));
        Packet[] left = new Packet[PACKETS];
        for (int round = 0; guest.device.queue(0).getInflight() > 0; round++) {
            takeBack(left, guest.device.queue(0).clearQueue(left, 0, PACKETS, channels[round % 3]));
        }
        guest.control.disconnected();
        long last = -1;
        for (int round = 0; guest.device.queue(1).getInflight() > 0; round++) {
            int count = guest.device.queue(1).clearQueue(left, 0, PACKETS, channels[round % 3]);
            for (int i = 0; i < count; i++) {
                long sequence = TorturePattern.check(left[i]);
                assertTrue(sequence > last);
                last = sequence;
            }
            received.addAndGet(count);
            pool.release(left, 0, count);
        }
        receiver.poll();
        sender.poll();
        assertEquals(accepted.get(), returned.get());
        assertEquals(delivered.get(), accepted.get(), "these engines fail nothing");
        assertEquals(delivered.get(), receiver.packets());
        assertEquals(sender.takenBack(), received.get());
        for (int i = 0; i < 2; i++) {
            QueueCounters counters = guest.device.queue(i).counters();
            assertEquals(counters.get(Counter.SUBMITTED), counters.get(Counter.COMPLETED));
            assertNull(guest.device.queue(i).violation());
        }
        guest.close();
        registry.close();
        pool.close();
    }

    private void run(List<Callable<Void>> roles) throws Exception {
        try (ExecutorService threads =
                Executors.newThreadPerTaskExecutor(Thread.ofPlatform().daemon().factory())) {
            List<Future<Void>> running = new ArrayList<>();
            roles.forEach(role -> running.add(threads.submit(() -> endingAll(role))));
            enough.await();
            over = true;
            turns.release();
            for (Future<Void> role : running) {
                role.get();
            }
        }
    }

    /** A role that fails ends the test. */
    private Void endingAll(Callable<Void> role) throws Exception {
        try {
            return role.call();
        } finally {
            enough.countDown();
        }
    }

    /** A round of the submitter or the receiver is over: counts it for those who wait for progress. */
    private void turn() {
        turns.release();
        if (accepted.get() >= ENOUGH && received.get() >= ENOUGH) {
            enough.countDown();
        }
    }

    private Void submit() {
        Packet[] burst = new Packet[40];
        Random random = new Random(3);
        long sequence = 0;
        while (!over) {
            int count = pool.take(burst, 0, 1 + random.nextInt(40));
            for (int i = 0; i < count; i++) {
                TorturePattern.fill(burst[i], sequence + i, 12 + random.nextInt(1400));
                // Before the submission: another thread may have the packet back before this call returns.
                assertEquals(0, lent.getAndSet(burst[i].index(), 1));
            }
            int taken =
                    guest.device.queue(0).submitEnqueueBurst(burst, 0, count, channels[random.nextInt(3)]);
            accepted.addAndGet(taken);
            sequence += taken;
            for (int i = taken; i < count; i++) {
                assertEquals(1, lent.getAndSet(burst[i].index(), 0));
            }
            pool.release(burst, taken, count - taken);
            turn();
            LockSupport.parkNanos(1);
        }
        return null;
    }

    private Void poll(boolean clears) {
        Packet[] done = new Packet[40];
        Random random = new Random(clears ? 4 : 5);
        VirtQueue queue = guest.device.queue(0);
        while (!over) {
            DmaChannel channel = channels[random.nextInt(3)];
            takeBack(done, clears
                    ? queue.clearQueue(done, 0, 40, channel)
                    : queue.pollEnqueueCompleted(done, 0, 40, channel));
            int inFlight = queue.getInflight();
            assertTrue(inFlight >= 0 && inFlight <= 32, () -> "in flight: " + inFlight);
            LockSupport.parkNanos(1);
        }
        return null;
    }

    private void takeBack(Packet[] done, int count) {
        for (int i = 0; i < count; i++) {
            assertEquals(1, lent.getAndSet(done[i].index(), 0), "given back once");
            delivered.addAndGet(done[i].isUndelivered() ? 0 : 1);
        }
        returned.addAndGet(count);
        pool.release(done, 0, count);
    }

    private Void receive() {
        Packet[] burst = new Packet[40];
        Random random = new Random(6);
        long last = -1;
        while (!over) {
            int count =
                    guest.device.queue(1).tryDequeueBurst(pool, burst, 0, 40, channels[random.nextInt(3)]);
            for (int i = 0; i < count; i++) {
                long sequence = TorturePattern.check(burst[i]);
                assertTrue(sequence > last, "order of the guest");
                last = sequence;
            }
            received.addAndGet(count);
            pool.release(burst, 0, count);
            turn();
            LockSupport.parkNanos(1);
        }
        return null;
    }

    private Void work(TortureReceiver receiver, TortureSender sender) {
        while (!over) {
            receiver.offer();
            sender.send();
            receiver.poll();
            sender.poll();
            LockSupport.parkNanos(1);
        }
        return null;
    }

    private Void control() throws Exception {
        Random random = new Random(7);
        while (!over) {
            int index = random.nextInt(2);
            switch (random.nextInt(4)) {
                case 0 -> guest.shareMemory();
                case 1 -> {
                    guest.control.stopRing(index);
                    guest.control.kick(index, null);
                }
                default -> {
                    guest.control.enable(index, false);
                    guest.control.enable(index, true);
                }
            }
            // Some rounds of the others, so that something is in flight.
            turns.drainPermits();
            for (int rounds = random.nextInt(40); rounds > 0 && !over; rounds--) {
                turns.acquire();
            }
        }
        return null;
    }
}
