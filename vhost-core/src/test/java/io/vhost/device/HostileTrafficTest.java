package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.dma.DmaChannel;
import io.vhost.dma.DmaRegistry;
import io.vhost.dma.engine.WorkerDmaEngine;
import io.vhost.net.NetHeader;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.queue.ControlException;
import io.vhost.state.RingViolation;
import io.vhost.testing.FaultyDmaEngine;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A guest that rewrites descriptors, indexes and packet headers while bursts run (row 20): the application
 * sees packets that are what they say and fences that a restart clears, and never an exception.
 */
class HostileTrafficTest extends EachFormat {
    private static final int BURST = 32;
    private static final int FENCES = 300;

    @ParameterizedTest
    @ValueSource(longs = {0, 1L << 15, 1L << 29, (1L << 15) | (1L << 32)})
    void burstsGoOnWhateverTheGuestRewrites(long without) throws Exception {
        long seed = new Random().nextLong();
        AtomicBoolean ended = new AtomicBoolean();
        long features = defaults() & ~without;
        try (TestGuest guest = TestGuest.running(features); PacketPool pool = PacketPool.create(256, 2048)) {
            Thread flipper = Thread.ofPlatform().start(() -> flip(guest, new Random(seed), ended));
            try {
                long fences = 0;
                while (fences < FENCES) {
                    forward(guest, pool, "seed " + seed);
                    fences += restart(guest, 0) + restart(guest, 1);
                }
            } finally {
                ended.set(true);
                flipper.join();
            }
            assertEquals(0, pool.outstanding());
            assertFences(guest);
        }
    }

    /** The same with copies that are under way while the guest rewrites what they are of. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void channelsGoOnWhateverTheGuestRewrites(boolean worker) throws Exception {
        long seed = new Random().nextLong();
        AtomicBoolean ended = new AtomicBoolean();
        try (DmaRegistry registry = new DmaRegistry();
                TestGuest guest = TestGuest.asynchronous(defaults(), TestGuest.RING, registry);
                PacketPool pool = PacketPool.create(256, 2048)) {
            DmaChannel channel = registry.configure("test",
                    worker ? new WorkerDmaEngine("hostile traffic") : FaultyDmaEngine.seeded(seed).build());
            guest.queues.forEach(queue -> queue.queue.registerAsync());
            Thread flipper = Thread.ofPlatform().start(() -> flip(guest, new Random(seed), ended));
            Packet[] packets = new Packet[4 * BURST];
            try {
                long fences = 0;
                while (fences < FENCES) {
                    copy(guest, pool, packets, channel, "seed " + seed);
                    fences += restart(guest, 0) + restart(guest, 1);
                }
            } finally {
                ended.set(true);
                flipper.join();
            }
            for (TestQueue queue : guest.queues) {
                while (queue.queue.getInflight() > 0) {
                    pool.release(packets, 0, queue.queue.clearQueue(packets, 0, BURST, channel));
                }
            }
            assertNull(channel.failure());
            assertEquals(0, pool.outstanding());
            assertFences(guest);
        }
    }

    private static void assertFences(TestGuest guest) {
        assertEquals(0, guest.holds());
        long counted = 0;
        for (TestQueue queue : guest.queues) {
            for (RingViolation violation : RingViolation.values()) {
                counted += queue.queue.counters().get(violation);
            }
            assertEquals(0, queue.queue.counters().get(RingViolation.MEMORY_LOST));
        }
        assertTrue(counted >= FENCES);
    }

    private static void forward(TestGuest guest, PacketPool pool, String text) {
        Packet[] packets = new Packet[2 * BURST];
        int count = guest.fromGuest().queue.dequeueBurst(pool, packets, 0, BURST);
        assertPlausible(packets, count, text);
        int own = take(pool, packets, count);
        guest.toGuest().queue.enqueueBurst(packets, 0, count + own);
        pool.release(packets, 0, count + own);
    }

    private static void copy(
            TestGuest guest, PacketPool pool, Packet[] packets, DmaChannel channel, String text) {
        int count = guest.fromGuest().queue.tryDequeueBurst(pool, packets, 0, BURST, channel);
        assertPlausible(packets, count, text);
        int all = count + take(pool, packets, count);
        int sent = guest.toGuest().queue.submitEnqueueBurst(packets, 0, all, channel);
        pool.release(packets, sent, all - sent);
        pool.release(packets, 0, guest.toGuest().queue.pollEnqueueCompleted(packets, 0, BURST, channel));
    }

    private static void assertPlausible(Packet[] packets, int count, String text) {
        for (int i = 0; i < count; i++) {
            Packet packet = packets[i];
            assertTrue(packet.length() > 0 && packet.length() <= packet.capacity(), text);
            boolean plausible =
                    NetHeader.isPlausible(packet.offload(), packet.checksumOffset(), packet.length());
            assertTrue(plausible, text);
        }
    }

    private static int take(PacketPool pool, Packet[] packets, int from) {
        int own = pool.take(packets, from, BURST);
        for (int i = from; i < from + own; i++) {
            packets[i].reset(1 + 37 * (i % 40));
        }
        return own;
    }

    private static int restart(TestGuest guest, int index) throws ControlException {
        if (guest.device.queue(index).isRunning()) {
            return 0;
        }
        guest.control.stopRing(index);
        // Behind the used index or not: what the guest left in memory decides.
        guest.control.ringBase(index, guest.queues.get(index).format.start());
        guest.control.kick(index, null);
        return 1;
    }

    private static void flip(TestGuest guest, Random random, AtomicBoolean ended) {
        while (!ended.get()) {
            for (TestQueue queue : guest.queues) {
                RingTampering.rewrite(guest, queue, random);
            }
        }
    }
}
