package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.queue.ControlException;
import io.vhost.ring.RingFormat;
import io.vhost.state.QueueCounters.Counter;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Packets to the guest that no chain which may still come has room for: they must not hold up the others. */
class EnqueueNoRoomTest extends EachFormat {
    private final PacketPool pool = PacketPool.create(8, 65_536);
    private final Packet[] packets = new Packet[8];

    @AfterEach
    void everyPacketIsAccountedFor() {
        pool.close();
    }

    private Packet packet(int length, int seed) {
        Packet packet = pool.take();
        packet.copyFrom(TestGuest.pattern(length, seed), 0, length);
        return packet;
    }

    private static long count(TestGuest guest, Counter counter) {
        return guest.toGuest().queue.counters().get(counter);
    }

    /** So many buffers for so few bytes are paid for by several bursts. */
    private void send(TestQueue queue, int offset, int count) {
        int sent = 0;
        for (int bursts = 0; bursts < 1000 && sent < count; bursts++) {
            sent += queue.queue.enqueueBurst(packets, offset + sent, count - sent);
        }
        assertEquals(count, sent);
    }

    @Test
    void withoutMergeableBuffersAPacketThatDoesNotFitIsDropped() throws ControlException {
        try (TestGuest guest = TestGuest.running(without(Feature.VIRTIO_NET_F_MRG_RXBUF))) {
            TestQueue queue = guest.toGuest();
            queue.accept(0, 100);
            packets[0] = packet(89, 0);
            packets[1] = packet(88, 1);
            assertEquals(2, queue.queue.enqueueBurst(packets, 0, 2));
            assertEquals(1, count(guest, Counter.NO_ROOM));
            assertEquals(1, count(guest, Counter.PACKETS));
            queue.assertUsed(0, 100);
            pool.release(packets, 0, 2);
        }
    }

    @Test
    void aPacketThatTheWholeRingCannotHoldIsDropped() throws ControlException {
        try (TestGuest guest = running()) {
            TestQueue queue = guest.toGuest();
            for (int i = 0; i < TestGuest.RING; i++) {
                queue.accept(i, 100);
            }
            packets[0] = packet(10, 0);
            packets[1] = packet(100 * TestGuest.RING - 11, 1);
            packets[2] = packet(100 * (TestGuest.RING - 1) - 12, 2);
            assertEquals(1, queue.queue.enqueueBurst(packets, 0, 3), "without the first it might have fit");
            queue.assertUsed(0, 22);
            queue.accept(0, 100);
            send(queue, 1, 2);
            assertEquals(1, count(guest, Counter.NO_ROOM));
            assertEquals(TestGuest.RING - 1, queue.ring.pending());
            pool.release(packets, 0, 3);
        }
    }

    /**
     * With chains of several descriptors a packed ring is full long before it has as many chains as entries:
     * a packet that all of them together cannot hold must not wait for more.
     */
    @ParameterizedTest
    @ValueSource(ints = {2, 4})
    void aPacketThatAFullRingOfChainsCannotHoldIsDropped(int most) throws ControlException {
        // A split ring has an entry for each chain, and a table that is no part of it.
        int buffers = format == RingFormat.PACKED ? most : 1;
        // One that chains fill to the last entry, and one that has a few left which are no chain.
        for (int left = 0; left < buffers; left++) {
            fillUp(format == RingFormat.PACKED ? 3 * buffers + left : 16, buffers);
        }
    }

    private void fillUp(int size, int buffers) throws ControlException {
        int chains = size / buffers;
        int room = 50 * chains * buffers;
        try (TestGuest guest = new TestGuest(features(), size, 1)) {
            guest.start();
            TestQueue queue = guest.toGuest();
            int[] lengths = new int[buffers];
            Arrays.fill(lengths, 50);
            // Not from the ring's beginning, so that it wraps in the middle.
            queue.accept(0, 100);
            packets[0] = packet(60, 0);
            assertEquals(1, queue.queue.enqueueBurst(packets, 0, 1));
            queue.assertUsed(0, 72);
            for (int i = 0; i < chains; i++) {
                queue.accept(i, lengths);
            }
            packets[1] = packet(room - 11, 1);
            packets[2] = packet(room - 12, 2);
            assertEquals(2, queue.queue.enqueueBurst(packets, 1, 2));
            assertEquals(1, count(guest, Counter.NO_ROOM));
            for (int i = 0; i < chains; i++) {
                queue.assertUsed(i, 50 * buffers);
            }
            assertNull(queue.queue.violation());
            pool.release(packets, 0, 3);
        }
    }

    /** A few entries that are free may become a chain yet, as small as the smallest that is there. */
    @Test
    void aPacketWaitsForAChainThatTheRingHasRoomFor() throws ControlException {
        int size = format == RingFormat.PACKED ? 6 : 8;
        try (TestGuest guest = new TestGuest(features(), size, 1)) {
            guest.start();
            TestQueue queue = guest.toGuest();
            queue.accept(0, 50);
            queue.accept(1, 50, 50);
            queue.accept(2, 50, 50);
            packets[0] = packet(288 - 12, 0);
            assertEquals(0, queue.queue.enqueueBurst(packets, 0, 1));
            assertEquals(0, count(guest, Counter.NO_ROOM));
            pool.release(packets, 0, 1);
        }
    }

    /** Chains of so many buffers that a burst can hold two: a packet that needs three would wait for ever. */
    @Test
    void aPacketThatNeedsMoreBuffersThanABurstHoldsIsDropped() throws ControlException {
        try (TestGuest guest = running()) {
            TestQueue queue = guest.toGuest();
            long table = queue.allocate(16 * 1000);
            long offset = queue.allocate(1000);
            long[] addresses = new long[1000];
            int[] lengths = new int[1000];
            Arrays.setAll(addresses, i -> TestGuest.GUEST + offset + i);
            Arrays.fill(lengths, 1);
            for (int i = 0; i < 5; i++) {
                queue.ring.offerIndirect(i, table, TestGuest.GUEST + table, addresses, lengths, 0, 1000);
            }
            queue.ring.publish();
            packets[0] = packet(100, 0);
            packets[1] = packet(2000, 1);
            packets[2] = packet(1988, 2);
            assertEquals(1, queue.queue.enqueueBurst(packets, 0, 3));
            send(queue, 1, 2);
            assertEquals(1, count(guest, Counter.NO_ROOM));
            queue.assertUsed(0, 112);
            queue.assertUsed(1, 1000);
            queue.assertUsed(2, 1000);
            pool.release(packets, 0, 3);
        }
    }
}
