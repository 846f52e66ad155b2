package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.dma.DmaChannel;
import io.vhost.dma.DmaRegistry;
import io.vhost.dma.engine.DmaEngine;
import io.vhost.dma.engine.InlineDmaEngine;
import io.vhost.dma.engine.WorkerDmaEngine;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.state.QueueCounters.Counter;
import io.vhost.state.RingViolation;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Memory that vanishes at any moment of a burst (row 24). The error may come later than the access that met
 * it, and must come to the burst all the same: never to the application, and never so that a packet is lost.
 */
class TruncationRaceTest extends EachFormat {
    private static final int BURST = 32;
    private static final int FRAME = 1012;
    private static final int GUESTS = 150;

    private final PacketPool pool = PacketPool.create(8 * BURST, 2048);
    private final Random random = new Random();
    private final Packet[] packets = new Packet[BURST];
    private long received;
    private long sent;

    @AfterEach
    void everyPacketIsAccountedFor() {
        assertEquals(0, pool.outstanding());
        pool.close();
    }

    @Test
    void memoryThatVanishesWhileBurstsRunFailsTheDeviceAndNothingElse() throws Exception {
        for (int i = 0; i < GUESTS; i++) {
            try (TestGuest guest = running()) {
                received = 0;
                sent = 0;
                truncateWhile(guest, "guest " + i, () -> forward(guest));
                assertEquals(received, guest.fromGuest().queue.counters().get(Counter.PACKETS), "guest " + i);
                assertEquals(sent, guest.toGuest().queue.counters().get(Counter.PACKETS), "guest " + i);
                assertEquals(0, pool.outstanding(), "guest " + i);
            }
        }
    }

    /** With copies by another thread, and by the caller. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void memoryThatVanishesWhileAChannelCopiesFailsTheDeviceAndNothingElse(boolean worker) throws Exception {
        for (int i = 0; i < GUESTS / 5; i++) {
            try (DmaRegistry registry = new DmaRegistry();
                    TestGuest guest = TestGuest.asynchronous(features(), TestGuest.RING, registry)) {
                DmaEngine engine = worker ? new WorkerDmaEngine("truncation") : new InlineDmaEngine();
                DmaChannel channel = registry.configure("test", engine);
                guest.queues.forEach(queue -> queue.queue.registerAsync());
                truncateWhile(guest, "guest " + i, () -> copy(guest, channel));
                for (TestQueue queue : guest.queues) {
                    while (queue.queue.getInflight() > 0) {
                        pool.release(packets, 0, queue.queue.clearQueue(packets, 0, BURST, channel));
                    }
                    assertEquals(queue.queue.counters().get(Counter.SUBMITTED),
                            queue.queue.counters().get(Counter.COMPLETED));
                }
                assertEquals(0, pool.outstanding(), "guest " + i);
                assertNull(channel.failure(), "the engine is not to blame");
            }
        }
    }

    private void truncateWhile(TestGuest guest, String name, Runnable burstsOnce) throws Exception {
        int bursts = 1 + random.nextInt(200);
        CountDownLatch go = new CountDownLatch(1);
        Thread truncator = Thread.ofPlatform().start(() -> {
            try {
                go.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            // Not the rings: the guest in this process goes on with them.
            guest.truncate(TestGuest.BUFFERS);
        });
        try {
            for (int burst = 0; isRunning(guest); burst++) {
                if (burst == bursts) {
                    go.countDown();
                }
                burstsOnce.run();
            }
        } finally {
            go.countDown();
            truncator.join();
        }
        assertEquals(0, guest.holds(), name);
        assertTrue(guest.device.isFailed(), name);
        for (TestQueue queue : guest.queues) {
            RingViolation violation = queue.queue.violation();
            assertTrue(violation == null || violation == RingViolation.MEMORY_LOST, () -> "" + violation);
        }
    }

    private static boolean isRunning(TestGuest guest) {
        return guest.fromGuest().queue.isRunning() && guest.toGuest().queue.isRunning();
    }

    private void forward(TestGuest guest) {
        offer(guest);
        int count = guest.fromGuest().queue.dequeueBurst(pool, packets, 0, BURST);
        received += count;
        sent += guest.toGuest().queue.enqueueBurst(packets, 0, count);
        pool.release(packets, 0, count);
        takeBack(guest);
    }

    private void copy(TestGuest guest, DmaChannel channel) {
        offer(guest);
        int count = guest.fromGuest().queue.tryDequeueBurst(pool, packets, 0, BURST, channel);
        int sent = guest.toGuest().queue.submitEnqueueBurst(packets, 0, count, channel);
        pool.release(packets, sent, count - sent);
        pool.release(packets, 0, guest.toGuest().queue.pollEnqueueCompleted(packets, 0, BURST, channel));
        takeBack(guest);
    }

    private static void offer(TestGuest guest) {
        for (TestQueue queue : guest.queues) {
            boolean deviceWrites = queue == guest.toGuest();
            for (int i = 0; i < BURST; i++) {
                long at = TestGuest.GUEST + TestGuest.BUFFERS + 1024L * i;
                queue.ring.offer(i, at, FRAME, deviceWrites);
            }
            queue.ring.publish();
        }
    }

    private static void takeBack(TestGuest guest) {
        for (TestQueue queue : guest.queues) {
            while (queue.ring.poll() >= 0) {
                assertTrue(queue.ring.usedLength() <= FRAME);
            }
        }
    }
}
