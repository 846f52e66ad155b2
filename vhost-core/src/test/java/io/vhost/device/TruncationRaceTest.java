package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.ring.RingViolation;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Memory that vanishes at any moment of a burst (row 24). The error may come later than the access that met
 * it, and must come to the burst all the same: never to the application, and never so that a packet is lost.
 */
class TruncationRaceTest {
    private static final int BURST = 32;
    private static final int FRAME = 1012;
    private static final int GUESTS = 150;

    private final PacketPool pool = PacketPool.create(2 * BURST, 2048);
    private final Packet[] packets = new Packet[BURST];

    @AfterEach
    void everyPacketIsAccountedFor() {
        assertEquals(0, pool.outstanding());
        pool.close();
    }

    @Test
    void memoryThatVanishesWhileBurstsRunFailsTheDeviceAndNothingElse() throws Exception {
        Random random = new Random();
        for (int i = 0; i < GUESTS; i++) {
            try (TestGuest guest = TestGuest.running()) {
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
                        forward(guest);
                    }
                } finally {
                    go.countDown();
                    truncator.join();
                }
                assertEquals(0, pool.outstanding(), "guest " + i);
                assertEquals(0, guest.holds());
                assertTrue(guest.device.isFailed());
                for (TestQueue queue : guest.queues) {
                    RingViolation violation = queue.queue.violation();
                    assertTrue(violation == null || violation == RingViolation.MEMORY_LOST,
                            () -> "" + violation);
                }
            }
        }
    }

    private static boolean isRunning(TestGuest guest) {
        return guest.fromGuest().queue.isRunning() && guest.toGuest().queue.isRunning();
    }

    private void forward(TestGuest guest) {
        for (TestQueue queue : guest.queues) {
            boolean deviceWrites = queue == guest.toGuest();
            for (int i = 0; i < BURST; i++) {
                long at = TestGuest.GUEST + TestGuest.BUFFERS + 1024L * i;
                queue.ring.offer(i, at, FRAME, deviceWrites);
            }
            queue.ring.publish();
        }
        int count = guest.fromGuest().queue.dequeueBurst(pool, packets, 0, BURST);
        guest.toGuest().queue.enqueueBurst(packets, 0, count);
        pool.release(packets, 0, count);
        for (TestQueue queue : guest.queues) {
            while (queue.ring.poll() >= 0) {
                assertTrue(queue.ring.usedLength() <= FRAME);
            }
        }
    }
}
