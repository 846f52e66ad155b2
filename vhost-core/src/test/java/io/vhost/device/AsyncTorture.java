package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.dma.DmaChannel;
import io.vhost.dma.DmaRegistry;
import io.vhost.dma.engine.DmaEngine;
import io.vhost.dma.engine.InlineDmaEngine;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.queue.ControlException;
import io.vhost.state.QueueCounters.Counter;
import io.vhost.state.RingViolation;
import io.vhost.testing.FaultyDmaEngine;
import io.vhost.testing.FaultyDmaEngine.Breach;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * A device, an application and a front-end that do anything at any time, with engines that are as awkward as
 * they may be and sometimes more. All decisions come from the seed: each operation runs in one of several
 * threads, one after the other, so a run can be repeated.
 */
final class AsyncTorture implements AutoCloseable {
    private static final List<Breach> BREACHES = List.copyOf(EnumSet.allOf(Breach.class));
    private static final int THREADS = 4;
    private static final int CHANNELS = 3;
    private static final int RING = 32;

    private final Random random;
    private final long seed;
    private final DmaRegistry registry = new DmaRegistry();
    private final DmaChannel[] channels = new DmaChannel[CHANNELS];
    private final DmaEngine[] engines = new DmaEngine[CHANNELS];
    private final PacketPool pool = PacketPool.create(160, PacketPool.DEFAULT_HEADROOM + 1600);
    private final TestGuest guest;
    private final TortureReceiver receiver;
    private final TortureSender sender;
    private final Packet[] burst = new Packet[128];
    /** By index: the library has this packet. */
    private final boolean[] lent = new boolean[160];
    private final boolean[] registered = new boolean[2];
    private final boolean[] enabled = {true, true};
    private long nextSequence;
    private long accepted;
    private long returned;
    private long delivered;
    private long received;
    private long lastReceived = -1;
    private String operation = "start";

    AsyncTorture(long features, long seed) throws ControlException {
        this.seed = seed;
        random = new Random(seed);
        for (int i = 0; i < CHANNELS; i++) {
            configure(i);
        }
        boolean mergeable = random.nextBoolean();
        guest = new TestGuest(mergeable ? features : features & ~Feature.VIRTIO_NET_F_MRG_RXBUF.mask(), RING,
                VhostConfig.builder().asyncCopy(registry).copyTimeout(Duration.ofSeconds(20)).build());
        guest.start();
        receiver = new TortureReceiver(guest, random, mergeable);
        sender = new TortureSender(guest, random);
        guest.listener.action = call -> {
            guest.listener.calls.clear();
            if (call.endsWith("off lock 0") && random.nextBoolean()) {
                drainUnderTheLock(0);
            } else if (call.endsWith("off lock 1") && random.nextBoolean()) {
                drainUnderTheLock(1);
            }
        };
    }

    private void configure(int place) {
        engines[place] = switch (random.nextInt(4)) {
            case 0 -> new InlineDmaEngine();
            case 1 -> FaultyDmaEngine.seeded(random.nextLong())
                    .capacity(random.nextInt(12)).failureRate(0.02).build();
            case 2 -> FaultyDmaEngine.seeded(random.nextLong()).depth(1 + random.nextInt(60)).build();
            default -> FaultyDmaEngine.seeded(random.nextLong()).depth(100).capacity(99).build();
        };
        channels[place] = registry.configure("torture " + place, engines[place]);
    }

    private DmaChannel channel() {
        return channels[random.nextInt(CHANNELS)];
    }

    private VirtQueue queue(int index) {
        return guest.device.queue(index);
    }

    /** That many operations, in runs by different threads. */
    void run(int operations) throws Exception {
        List<ExecutorService> threads = new ArrayList<>();
        for (int i = 0; i < THREADS; i++) {
            threads.add(Executors.newSingleThreadExecutor(Thread.ofPlatform().daemon().factory()));
        }
        int done = 0;
        try {
            while (done < operations) {
                int part = Math.min(operations - done, 1 + random.nextInt(150));
                Future<?> run = threads.get(random.nextInt(THREADS)).submit(() -> {
                    for (int i = 0; i < part; i++) {
                        step();
                    }
                    return null;
                });
                run.get();
                done += part;
            }
            end();
        } catch (Exception | AssertionError e) {
            throw new AssertionError("seed " + seed + ", after " + done + " operations, in " + operation, e);
        } finally {
            threads.forEach(ExecutorService::shutdown);
        }
    }

    private void step() throws ControlException {
        int choice = random.nextInt(1000);
        if (choice < 200) {
            operation = "guest offers";
            receiver.offer();
        } else if (choice < 320) {
            operation = "guest takes";
            receiver.poll();
        } else if (choice < 440) {
            operation = "guest sends";
            sender.send();
        } else if (choice < 500) {
            operation = "guest takes back";
            sender.poll();
        } else if (choice < 680) {
            submit();
        } else if (choice < 820) {
            operation = "poll";
            if (registered[0]) {
                takeBack(queue(0).pollEnqueueCompleted(burst, 0, 1 + random.nextInt(60), channel()));
            }
        } else if (choice < 860) {
            operation = "clear";
            if (registered[0]) {
                takeBack(queue(0).clearQueue(burst, 0, 1 + random.nextInt(60), channel()));
            }
        } else if (choice < 975) {
            operation = "dequeue";
            if (registered[1]) {
                receive(queue(1).tryDequeueBurst(pool, burst, 0, 1 + random.nextInt(60), channel()));
            }
        } else if (choice < 985) {
            register(random.nextInt(2));
        } else if (choice < 992) {
            unregister(random.nextInt(2));
        } else {
            control(random.nextInt(40));
        }
        check();
    }

    private void submit() {
        operation = "submit";
        if (!registered[0]) {
            return;
        }
        int count = pool.take(burst, 0, 1 + random.nextInt(50));
        for (int i = 0; i < count; i++) {
            TorturePattern.fill(burst[i], nextSequence + i, 12 + random.nextInt(1400));
        }
        int taken = queue(0).submitEnqueueBurst(burst, 0, count, channel());
        nextSequence += taken;
        accepted += taken;
        for (int i = 0; i < taken; i++) {
            assertFalse(lent[burst[i].index()]);
            lent[burst[i].index()] = true;
        }
        pool.release(burst, taken, count - taken);
    }

    private void takeBack(int count) {
        for (int i = 0; i < count; i++) {
            assertTrue(lent[burst[i].index()], "a packet came back that was not away");
            lent[burst[i].index()] = false;
            assertEquals(returned++, burst[i].networkLongAt(0), "packets come back in their order");
            delivered += burst[i].isUndelivered() ? 0 : 1;
        }
        pool.release(burst, 0, count);
    }

    private void receive(int count) {
        for (int i = 0; i < count; i++) {
            long sequence = TorturePattern.check(burst[i]);
            assertTrue(sequence > lastReceived, "order of the guest");
            lastReceived = sequence;
            received++;
        }
        pool.release(burst, 0, count);
    }

    private void register(int index) {
        operation = "register " + index;
        try {
            queue(index).registerAsync();
            assertFalse(registered[index]);
            registered[index] = true;
        } catch (IllegalStateException e) {
            assertTrue(registered[index], e.getMessage());
        }
    }

    private void unregister(int index) {
        operation = "unregister " + index;
        boolean empty = !registered[index] || queue(index).getInflight() == 0;
        try {
            queue(index).unregisterAsync();
            assertTrue(empty);
            registered[index] = false;
        } catch (IllegalStateException e) {
            assertFalse(empty, e.getMessage());
        }
    }

    private void control(int choice) throws ControlException {
        int index = choice & 1;
        operation = "control " + choice;
        if (choice < 6) {
            enabled[index] ^= true;
            guest.control.enable(index, enabled[index]);
        } else if (choice < 8) {
            guest.shareMemory();
        } else if (choice < 12) {
            restart(index);
        } else if (choice < 13 && engines[choice % CHANNELS] instanceof FaultyDmaEngine engine) {
            engine.breakContract(BREACHES.get(random.nextInt(BREACHES.size())));
        } else if (choice < 20) {
            repair();
        } else {
            enabled[index] = true;
            guest.control.enable(index, true);
        }
    }

    private void restart(int index) throws ControlException {
        guest.control.stopRing(index);
        guest.control.kick(index, null);
    }

    /** New engines for those that have failed, and a new start for their queues. */
    private void repair() throws ControlException {
        for (int i = 0; i < CHANNELS; i++) {
            if (channels[i].failure() != null && channels[i].packetsInFlight() == 0) {
                registry.unconfigure(channels[i]);
                configure(i);
            }
        }
        for (int i = 0; i < 2; i++) {
            if (queue(i).violation() == RingViolation.DMA_FAILED) {
                restart(i);
            }
        }
    }

    @SuppressWarnings("GuardedBy") // Called by the listener, whose caller holds the lock.
    private void drainUnderTheLock(int index) {
        DmaChannel healthy = channel();
        for (int i = 0; registered[index] && i < 30 && queue(index).getInflightThreadUnsafe() > 0; i++) {
            int count = queue(index).clearQueueThreadUnsafe(burst, 0, 40, healthy);
            if (index == 0) {
                takeBack(count);
            } else {
                receive(count);
            }
        }
    }

    private void check() {
        for (int i = 0; i < 2; i++) {
            VirtQueue queue = queue(i);
            assertFalse(queue.access_lock.isLocked());
            if (registered[i]) {
                int inFlight = queue.getInflight();
                assertTrue(inFlight >= 0 && inFlight <= RING, () -> "in flight: " + inFlight);
                assertEquals(queue.counters().get(Counter.SUBMITTED),
                        queue.counters().get(Counter.COMPLETED) + inFlight);
            }
            RingViolation violation = queue.violation();
            assertTrue(violation == null || violation == RingViolation.DMA_FAILED,
                    () -> "fenced: " + violation);
        }
        assertEquals(accepted, queue(0).counters().get(Counter.SUBMITTED));
    }

    /** Everything is let run out; then the books must be even. */
    private void end() throws ControlException {
        operation = "end";
        repair();
        for (int i = 0; i < 2; i++) {
            guest.control.enable(i, true);
            for (int round = 0; registered[i] && queue(i).getInflight() > 0; round++) {
                assertTrue(round < 100_000, "copies do not end");
                int count = queue(i).clearQueue(burst, 0, 40, channels[round % CHANNELS]);
                if (i == 0) {
                    takeBack(count);
                } else {
                    receive(count);
                }
            }
            queue(i).unregisterAsync();
        }
        receiver.poll();
        sender.poll();
        receiver.assertEnd();
        assertEquals(accepted, returned);
        assertEquals(delivered, receiver.packets());
        assertEquals(delivered, queue(0).counters().get(Counter.PACKETS));
        assertEquals(received, queue(1).counters().get(Counter.PACKETS));
        assertEquals(sender.takenBack(), received + queue(1).counters().get(Counter.COPY_FAILED));
        assertEquals(0, queue(0).counters().get(Counter.LOCK_MISUSE));
        assertEquals(0, pool.outstanding());
        assertNull(guest.toGuest().ring.violation());
        assertNull(guest.fromGuest().ring.violation());
        for (DmaChannel channel : channels) {
            assertEquals(0, channel.packetsInFlight());
            assertEquals(0, channel.inFlight());
        }
    }

    /** What was moved, for the reader of a test's output. */
    String summary() {
        return "seed %d: %d packets accepted, %d delivered, %d received"
                .formatted(seed, accepted, delivered, received);
    }

    long moved() {
        return delivered + received;
    }

    @Override
    public void close() {
        guest.close();
        registry.close();
        pool.close();
    }
}
