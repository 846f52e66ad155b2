package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.dma.DmaChannel;
import io.vhost.dma.DmaRegistry;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.queue.ControlException;
import io.vhost.ring.RingFormat;
import io.vhost.testing.FaultyDmaEngine;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Where a ring goes on after it was stopped: with its position given again, without, and as another ring. */
class RingBaseTest extends EachFormat {
    private static final int HEADER = 12;

    private final PacketPool pool = PacketPool.create(32, 512);
    private final Packet[] packets = new Packet[32];
    private int sent;
    private int received;
    private int takenBack;

    @AfterEach
    void everyPacketIsAccountedFor() {
        pool.close();
    }

    private int smallRing() {
        return format == RingFormat.SPLIT ? 8 : 7;
    }

    /** Packets with their number, in one buffer or two. */
    private void send(TestQueue queue, int most) {
        for (int i = 0; i < most && queue.ring.free() >= 2; i++) {
            byte[] frame = new byte[HEADER + 4];
            frame[HEADER] = (byte) (sent >> 8);
            frame[HEADER + 1] = (byte) sent;
            long offset = TestGuest.BUFFERS + 64L * (sent % 64);
            if (sent % 3 == 0) {
                queue.sendAt(offset, frame, HEADER, 4);
            } else {
                queue.sendAt(offset, frame, frame.length);
            }
            sent++;
        }
    }

    private void receive(int count) {
        for (int i = 0; i < count; i++) {
            assertEquals(received & 0xFFFF, packets[i].networkShortAt(0) & 0xFFFF);
            received++;
        }
        pool.release(packets, 0, count);
    }

    private void takeBack(TestQueue queue) {
        while (queue.ring.poll() >= 0) {
            takenBack++;
        }
        assertNull(queue.ring.violation());
    }

    /** Many laps of a ring; some chains are always left for after the stop. */
    @Test
    void aRingGoesOnWhereItWasStopped() throws ControlException {
        Random random = new Random(1);
        try (TestGuest guest = new TestGuest(features(), smallRing(), 1)) {
            guest.start();
            TestQueue queue = guest.fromGuest();
            for (int i = 0; i < 400; i++) {
                send(queue, 1 + random.nextInt(4));
                receive(queue.queue.dequeueBurst(pool, packets, 0, 1 + random.nextInt(3)));
                restart(guest, random.nextInt(3));
                takeBack(queue);
                assertEquals(received, takenBack, "none is used that was not received");
            }
            assertTrue(received > 400);
        }
    }

    /** Copies that are under way at the stop are waited for, and packets handed out afterwards. */
    @Test
    void aRingThatCopiesAsynchronouslyGoesOnWhereItWasStopped() throws ControlException {
        Random random = new Random(2);
        try (DmaRegistry registry = new DmaRegistry()) {
            DmaChannel channel = registry.configure("test", FaultyDmaEngine.seeded(5).depth(6).build());
            try (TestGuest guest = TestGuest.asynchronous(features(), smallRing(), registry)) {
                TestQueue queue = guest.fromGuest();
                queue.queue.registerAsync();
                for (int i = 0; i < 400; i++) {
                    send(queue, 1 + random.nextInt(4));
                    receive(queue.queue.tryDequeueBurst(pool, packets, 0, 1 + random.nextInt(3), channel));
                    restart(guest, random.nextInt(3));
                    takeBack(queue);
                }
                for (int polls = 0; received < sent && polls < 100_000; polls++) {
                    receive(queue.queue.tryDequeueBurst(pool, packets, 0, 8, channel));
                }
                takeBack(queue);
                assertEquals(sent, takenBack);
                assertTrue(received > 400);
            }
        }
    }

    private void restart(TestGuest guest, int how) throws ControlException {
        if (how == 0) {
            return;
        }
        int base = guest.control.stopRing(1);
        if (how == 1) {
            guest.control.ringBase(1, base);
        }
        guest.control.kick(1, null);
        assertTrue(guest.fromGuest().queue.isRunning());
    }

    @Test
    void aRingWithoutABaseBeginsAtItsStart() throws ControlException {
        try (TestGuest guest = new TestGuest(features(), TestGuest.RING, 1)) {
            guest.control.connected();
            guest.control.features(guest.features);
            guest.shareMemory();
            TestQueue queue = guest.fromGuest();
            guest.control.ringSize(1, TestGuest.RING);
            queue.addresses();
            queue.start();
            send(queue, 2);
            receive(queue.queue.dequeueBurst(pool, packets, 0, 4));
            assertEquals(2, received);
            // The first packet lies in two buffers.
            int taken = format == RingFormat.SPLIT ? 2 : 3;
            assertEquals(queue.baseAfter(taken), guest.control.stopRing(1));
        }
    }

    /** Its predecessor may have died before the interrupt; where it stands does not tell that it is new. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2})
    void aRingThatIsGivenABaseInterruptsOnceWhereverItStands(int laps) throws ControlException {
        try (TestGuest guest = running()) {
            TestQueue queue = guest.fromGuest();
            // A split ring's index comes round after 65,536 chains: as if it had.
            int descriptors = format == RingFormat.SPLIT ? laps * 0x8000 : laps * TestGuest.RING;
            if (format == RingFormat.SPLIT) {
                guest.memory.set(ValueLayout.JAVA_SHORT, queue.addresses.used() + 2, (short) descriptors);
                guest.memory.set(ValueLayout.JAVA_SHORT, queue.addresses.avail() + 2, (short) descriptors);
            }
            guest.control.stopRing(1);
            queue.call.drain();
            guest.control.ringBase(1, queue.baseAfter(descriptors));
            guest.control.kick(1, null);
            assertEquals(1, queue.call.drain());
            guest.control.kick(1, null);
            assertEquals(0, queue.call.drain(), "it goes on where it was itself");
        }
    }

    /** To the other format and back, by new features: at once, or by another connection. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aFrontEndMayComeBackWithRingsOfTheOtherFormat(boolean reconnects) throws ControlException {
        try (TestGuest guest = running()) {
            send(guest.fromGuest(), 5);
            receive(guest.fromGuest().queue.dequeueBurst(pool, packets, 0, 32));
            for (int lap = 1; lap <= 4; lap++) {
                guest.control.stopRing(0);
                guest.control.stopRing(1);
                if (reconnects) {
                    guest.control.disconnected();
                    guest.control.connected();
                }
                long features = guest.device.features() ^ Feature.VIRTIO_F_RING_PACKED.mask();
                guest.control.features(features);
                guest.shareMemory();
                try (TestQueue queue = new TestQueue(guest, 1, TestGuest.RING, features)) {
                    assertEquals(lap % 2 == 0, queue.format == format);
                    // As some do, without a base: the one of the other format must be forgotten.
                    guest.control.ringSize(1, TestGuest.RING);
                    queue.addresses();
                    queue.start();
                    send(queue, 5);
                    receive(queue.queue.dequeueBurst(pool, packets, 0, 32));
                    assertEquals(5 * (lap + 1), received);
                    assertFalse(guest.device.isFailed());
                    guest.control.stopRing(1);
                }
            }
        }
    }
}
