package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.queue.ControlException;
import io.vhost.state.QueueCounters.Counter;
import io.vhost.state.RingViolation;
import java.util.ArrayList;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Guests that break the rules of a ring, or take their memory away, as the application sees them. */
class FenceTest extends EachFormat {
    private final PacketPool pool = PacketPool.create(256, 2048);
    private final Packet[] packets = new Packet[256];
    private final List<LogRecord> log = new ArrayList<>();
    private final Logger logger = Logger.getLogger("io.vhost.device");
    private final Handler handler = new Handler() {
        @Override
        public void publish(LogRecord record) {
            log.add(record);
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    };

    @BeforeEach
    void listen() {
        logger.addHandler(handler);
    }

    @AfterEach
    void everyPacketIsAccountedFor() {
        logger.removeHandler(handler);
        pool.close();
    }

    private long warnings() {
        return log.stream().filter(record -> record.getLevel().equals(Level.WARNING)).count();
    }

    private int dequeue(TestGuest guest) {
        int count = guest.fromGuest().queue.dequeueBurst(pool, packets, 0, 32);
        pool.release(packets, 0, count);
        return count;
    }

    private static void offend(TestQueue queue) {
        queue.send(new byte[72], 72);
        queue.send(new byte[72], 72);
        assertTrue(queue.ring.offer(0, 0xDEAD_0000L, 72, false));
        assertTrue(queue.ring.offer(0, TestGuest.GUEST + TestGuest.BUFFERS, 72, false));
        queue.ring.publish();
    }

    @Test
    void aViolationFencesItsQueueAndNothingElse() throws ControlException {
        try (TestGuest guest = running()) {
            TestQueue queue = guest.fromGuest();
            offend(queue);
            assertEquals(2, dequeue(guest), "the good ones before");
            assertFalse(queue.queue.isRunning());
            assertEquals(RingViolation.BUFFER_UNMAPPED, queue.queue.violation());
            assertEquals(1, queue.queue.counters().get(RingViolation.BUFFER_UNMAPPED));
            assertEquals(1, queue.error.drain());
            assertEquals(1, warnings());
            assertEquals(0, guest.holds());
            for (int i = 0; i < 10; i++) {
                assertEquals(0, dequeue(guest));
            }
            assertEquals(1, queue.queue.counters().get(RingViolation.BUFFER_UNMAPPED));
            assertEquals(0, queue.error.drain());
            assertEquals(1, warnings());
            assertFalse(guest.device.isFailed());

            guest.toGuest().accept(3, 100);
            Packet packet = pool.take();
            packet.reset(60);
            assertEquals(1, guest.toGuest().queue.enqueueBurst(new Packet[] {packet}, 0, 1));
            packet.release();
            guest.toGuest().assertUsed(3, 72);
        }
    }

    @Test
    void theQueueRunsAgainAfterTheFrontEndHasStoppedAndStartedIt() throws ControlException {
        try (TestGuest guest = running()) {
            TestQueue queue = guest.fromGuest();
            for (int lap = 1; lap <= 9; lap++) {
                queue.newRing();
                queue.addresses();
                offend(queue);
                assertEquals(2, dequeue(guest));
                assertEquals(lap, queue.queue.counters().get(RingViolation.BUFFER_UNMAPPED));
                assertEquals(1, queue.error.drain());
                guest.control.enable(1, true);
                guest.control.kick(1, null);
                assertFalse(queue.queue.isRunning(), "only a stop clears a violation");
                assertEquals(queue.baseAfter(2), guest.control.stopRing(1));
                assertNull(queue.queue.violation());
                guest.control.ringBase(1, queue.format.start());
                queue.newRing();
                guest.control.kick(1, null);
                assertTrue(queue.queue.isRunning());
                queue.send(new byte[72], 72);
                assertEquals(1, dequeue(guest));
                guest.control.stopRing(1);
                guest.control.ringBase(1, queue.format.start());
                queue.newRing();
                guest.control.kick(1, null);
            }
            assertEquals(4, warnings(), "at 1, 2, 4 and 8");
        }
    }

    @Test
    void aViolationWhileSendingLeavesTheCallerWithTheRest() throws ControlException {
        try (TestGuest guest = running()) {
            TestQueue queue = guest.toGuest();
            queue.accept(0, 100);
            queue.ring.offer(1, TestGuest.GUEST + TestGuest.BUFFERS, 100, false);
            queue.accept(2, 100);
            assertEquals(3, pool.take(packets, 0, 3));
            for (int i = 0; i < 3; i++) {
                packets[i].reset(60);
            }
            assertEquals(1, queue.queue.enqueueBurst(packets, 0, 3));
            assertEquals(0, queue.queue.enqueueBurst(packets, 1, 2));
            pool.release(packets, 0, 3);
            assertEquals(RingViolation.WRONG_DIRECTION, queue.queue.violation());
            assertEquals(1, queue.error.drain());
            queue.assertUsed(0, 72);
            assertEquals(-1, queue.ring.poll());
        }
    }

    @Test
    void memoryThatVanishesFailsTheDevice() throws ControlException {
        for (int warmUp : new int[] {0, 30_000}) {
            try (TestGuest guest = running()) {
                int[] failures = {0};
                guest.control.onHangUp(() -> failures[0]++);
                TestQueue from = guest.fromGuest();
                TestQueue to = guest.toGuest();
                for (int i = 0; i < warmUp; i++) {
                    from.sendAt(TestGuest.BUFFERS, new byte[72], 72);
                    assertEquals(1, dequeue(guest));
                    from.assertUsed(0, 0);
                    to.acceptAt(TestGuest.BUFFERS, 0, 100);
                    assertEquals(1, sendOne(guest));
                    to.assertUsed(0, 72);
                }
                for (int i = 0; i < 60; i++) {
                    from.sendAt(TestGuest.BUFFERS, new byte[72], 72);
                    to.acceptAt(TestGuest.BUFFERS, 0, 100);
                }
                guest.truncate();
                assertEquals(0, from.queue.dequeueBurst(pool, packets, 0, 256), "warmUp=" + warmUp);
                assertEquals(0, pool.outstanding(), "packets of the burst are in the pool again");
                assertEquals(RingViolation.MEMORY_LOST, from.queue.violation());
                assertEquals(0, sendOne(guest));
                assertEquals(RingViolation.MEMORY_LOST, to.queue.violation());
                assertTrue(guest.device.isFailed() && guest.control.failed());
                assertTrue(failures[0] > 0);
                assertEquals(1, from.error.drain());
                assertEquals(0, guest.holds());
                assertEquals(0, dequeue(guest));
            }
        }
    }

    /** Compiled code goes on for a while with what it read, which may break rules of the ring. */
    @Test
    void memoryThatVanishesIsOneViolationWhateverIsReadOfIt() throws ControlException {
        for (int warmUp = 0; warmUp < 12; warmUp++) {
            try (TestGuest guest = running()) {
                TestQueue to = guest.toGuest();
                assertEquals(8, pool.take(packets, 0, 8));
                for (int i = 0; i < 8; i++) {
                    packets[i].reset(60);
                }
                for (int i = 0; i < 3000; i++) {
                    to.acceptAt(TestGuest.BUFFERS, 0, 100);
                    to.acceptAt(TestGuest.BUFFERS, 0, 100);
                    assertEquals(2, to.queue.enqueueBurst(packets, 0, 8));
                    to.assertUsed(0, 72);
                    to.assertUsed(0, 72);
                }
                to.acceptAt(TestGuest.BUFFERS, 0, 100);
                guest.truncate();
                assertEquals(0, to.queue.enqueueBurst(packets, 0, 8));
                pool.release(packets, 0, 8);
                assertEquals(RingViolation.MEMORY_LOST, to.queue.violation());
                for (RingViolation violation : RingViolation.values()) {
                    assertEquals(violation == RingViolation.MEMORY_LOST ? 1 : 0,
                            to.queue.counters().get(violation), violation.name());
                }
                assertEquals(1, to.error.drain());
            }
        }
    }

    /** The same of a queue from the guest, whose ring is read anew in each burst. */
    @Test
    void memoryThatVanishesUnderAQueueFromTheGuestIsOneViolation() throws ControlException {
        for (int warmUp = 0; warmUp < 12; warmUp++) {
            try (TestGuest guest = running()) {
                TestQueue from = guest.fromGuest();
                for (int i = 0; i < 20_000; i++) {
                    assertEquals(0, from.queue.dequeueBurst(pool, packets, 0, 8));
                }
                guest.truncate();
                assertEquals(0, from.queue.dequeueBurst(pool, packets, 0, 8));
                assertEquals(RingViolation.MEMORY_LOST, from.queue.violation());
                for (RingViolation violation : RingViolation.values()) {
                    assertEquals(violation == RingViolation.MEMORY_LOST ? 1 : 0,
                            from.queue.counters().get(violation), violation.name());
                }
                assertEquals(1, from.error.drain());
            }
        }
    }

    private int sendOne(TestGuest guest) {
        Packet packet = pool.take();
        packet.reset(60);
        packets[0] = packet;
        int sent = guest.toGuest().queue.enqueueBurst(packets, 0, 1);
        packet.release();
        return sent;
    }

    /** The memory of the ring stays, and that of a packet in the second chunk is gone. */
    @Test
    void memoryThatVanishesInTheMiddleOfABurstCostsNoPacketOfThePool() throws ControlException {
        try (TestGuest guest = running()) {
            TestQueue queue = guest.fromGuest();
            for (int i = 0; i < 60; i++) {
                queue.sendAt(i < 40 ? TestGuest.BUFFERS : TestGuest.BORDER, new byte[72], 72);
            }
            guest.truncate(TestGuest.BORDER);
            assertEquals(0, queue.queue.dequeueBurst(pool, packets, 0, 60));
            assertEquals(0, pool.outstanding());
            assertEquals(RingViolation.MEMORY_LOST, queue.queue.violation());
            assertEquals(32, queue.ring.pending(), "the first chunk was used before");
        }
    }

    @Test
    void memoryThatVanishesBeforeTheRingStartsIsRefused() throws ControlException {
        try (TestGuest guest = running()) {
            guest.control.stopRing(1);
            guest.truncate();
            ControlException refusal = assertThrows(
                    ControlException.class, () -> guest.control.kick(1, null));
            assertTrue(refusal.getMessage().contains("memory"), refusal.getMessage());
            assertTrue(guest.control.failed());
            assertEquals(0, guest.holds());
            assertEquals(0, guest.fromGuest().queue.counters().get(Counter.PACKETS));
        }
    }
}
