package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.Rounds;
import io.vhost.device.BurstContractTest.Copies;
import io.vhost.dma.DmaChannel;
import io.vhost.dma.DmaRegistry;
import io.vhost.dma.engine.InlineDmaEngine;
import io.vhost.dma.engine.WorkerDmaEngine;
import io.vhost.net.NetHeader;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.queue.ControlException;
import io.vhost.ring.RingFormat;
import io.vhost.state.QueueCounters.Counter;
import io.vhost.state.RingViolation;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Class 20: a thread rewrites descriptors, tables, headers and the areas of a ring while bursts run on it,
 * and a good neighbour is served by the same thread through the same channel. Nothing is thrown, every packet
 * and every violation is accounted for, and the neighbour's packets arrive.
 *
 * <p>It ends when both threads have done their rounds. A long run has more of them:
 * {@code mvn test -Dtest=FlipperTest -Dflips=1000000}.
 */
@Timeout(value = 600, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class FlipperTest {
    private static final int ROUNDS = Rounds.of("flips", 1500);
    private static final int BURST = 32;

    private final PacketPool pool = PacketPool.create(256, PacketPool.DEFAULT_HEADROOM + 1600);
    private final Packet[] packets = new Packet[128];
    private final AtomicInteger flips = new AtomicInteger();
    private final AtomicBoolean ended = new AtomicBoolean();
    private DmaChannel channel;
    private long received;
    private long delivered;
    private long fences;

    static Stream<Arguments> ways() {
        return Stream.of(RingFormat.values()).flatMap(format -> Stream.of(Copies.values()).flatMap(
                copies -> Stream.of(true, false).map(tables -> Arguments.of(format, copies, tables))));
    }

    @ParameterizedTest(name = "{0}, {1}, in tables: {2}")
    @MethodSource("ways")
    void whateverIsRewrittenWhileBurstsRun(RingFormat format, Copies copies, boolean tables)
            throws Exception {
        long seed = new Random().nextLong();
        long features = (format == RingFormat.PACKED ? TestGuest.PACKED : TestGuest.MODERN)
                | Feature.VIRTIO_F_EVENT_IDX.mask();
        try (DmaRegistry registry = new DmaRegistry();
                TestGuest guest = open(features, registry);
                TestGuest neighbour = open(features, registry)) {
            if (copies != Copies.SYNCHRONOUS) {
                channel = registry.configure("flipper",
                        copies == Copies.WORKER ? new WorkerDmaEngine("flipper") : new InlineDmaEngine());
                guest.queues.forEach(queue -> queue.queue.registerAsync());
                neighbour.queues.forEach(queue -> queue.queue.registerAsync());
            }
            PacketMover mover = new PacketMover(pool, copies, channel);
            Thread flipper = Thread.ofPlatform().start(() -> flip(guest, tables, new Random(seed)));
            try {
                for (int round = 0; round < ROUNDS || flips.get() < ROUNDS; round++) {
                    play(guest, round);
                    if (round % 16 == 0) {
                        mover.pass(neighbour);
                    }
                }
            } catch (RuntimeException | AssertionError e) {
                throw new AssertionError("seed " + seed, e);
            } finally {
                ended.set(true);
                flipper.join();
            }
            finish(guest);
            mover.pass(neighbour);
            assertBooks(guest);
        }
        assertEquals(0, pool.outstanding());
        pool.close();
    }

    /** A ring that is restarted waits for its copies, however slow the machine is: no engine is given up. */
    private static TestGuest open(long features, DmaRegistry registry) throws ControlException {
        TestGuest guest = new TestGuest(features, TestGuest.RING,
                VhostConfig.builder().asyncCopy(registry).copyTimeout(Duration.ofMinutes(5)).build());
        guest.start();
        return guest;
    }

    private void flip(TestGuest guest, boolean tables, Random random) {
        while (!ended.get()) {
            for (TestQueue queue : guest.queues) {
                int kind = random.nextInt(4);
                if (kind == 0) {
                    RingTampering.toggle(guest, queue, random);
                } else if (tables && kind > 1) {
                    RingTampering.rewriteTables(guest, queue, random);
                } else {
                    RingTampering.rewrite(guest, queue, random);
                }
            }
            flips.incrementAndGet();
        }
    }

    /** A burst in each direction; a queue that was fenced is started again. */
    private void play(TestGuest guest, int round) throws ControlException {
        VirtQueue from = guest.fromGuest().queue;
        VirtQueue to = guest.toGuest().queue;
        take(channel == null
                ? from.dequeueBurst(pool, packets, 0, BURST)
                : from.tryDequeueBurst(pool, packets, 0, BURST, channel));
        int count = pool.take(packets, 0, BURST);
        for (int i = 0; i < count; i++) {
            packets[i].reset(1 + 37 * ((round + i) % 40));
        }
        if (channel == null) {
            to.enqueueBurst(packets, 0, count);
            pool.release(packets, 0, count);
        } else {
            int sent = to.submitEnqueueBurst(packets, 0, count, channel);
            pool.release(packets, sent, count - sent);
            takeBack(to.pollEnqueueCompleted(packets, 0, packets.length, channel));
        }
        for (TestQueue queue : guest.queues) {
            restartIfFenced(guest, queue);
        }
    }

    private void take(int count) {
        for (int i = 0; i < count; i++) {
            Packet packet = packets[i];
            assertTrue(packet.length() > 0 && packet.length() <= packet.capacity());
            // What was checked is what was handed out: the header is read once.
            assertTrue(NetHeader.isPlausible(packet.offload(), packet.checksumOffset(), packet.length()));
        }
        received += count;
        pool.release(packets, 0, count);
    }

    private void takeBack(int count) {
        for (int i = 0; i < count; i++) {
            delivered += packets[i].isUndelivered() ? 0 : 1;
        }
        pool.release(packets, 0, count);
    }

    private void restartIfFenced(TestGuest guest, TestQueue queue) throws ControlException {
        RingViolation violation = queue.queue.violation();
        assertEquals(violation == null, queue.queue.isRunning());
        if (violation != null) {
            assertNotEquals(RingViolation.MEMORY_LOST, violation);
            assertNotEquals(RingViolation.DMA_FAILED, violation);
            fences++;
            assertEquals(1, queue.error.drain());
            int index = queue.queue.index();
            guest.control.stopRing(index);
            guest.control.ringBase(index, queue.format.start());
            guest.control.kick(index, null);
        }
    }

    private void finish(TestGuest guest) throws ControlException {
        for (TestQueue queue : guest.queues) {
            restartIfFenced(guest, queue);
            while (channel != null && queue.queue.getInflight() > 0) {
                int count = queue.queue.clearQueue(packets, 0, packets.length, channel);
                if (queue.queue.isToGuest()) {
                    takeBack(count);
                } else {
                    take(count);
                }
            }
            if (queue.queue.violation() != null) {
                fences++;
            }
        }
    }

    private void assertBooks(TestGuest guest) {
        long counted = 0;
        for (TestQueue queue : guest.queues) {
            for (RingViolation violation : RingViolation.values()) {
                counted += queue.queue.counters().get(violation);
            }
            assertEquals(queue.queue.counters().get(Counter.SUBMITTED),
                    queue.queue.counters().get(Counter.COMPLETED));
        }
        assertEquals(fences, counted, "violations");
        assertTrue(fences > 0);
        assertEquals(received, guest.fromGuest().queue.counters().get(Counter.PACKETS));
        if (channel != null) {
            assertEquals(delivered, guest.toGuest().queue.counters().get(Counter.PACKETS));
            assertEquals(0, channel.inFlight());
        }
        assertEquals(0, guest.holds());
    }
}
