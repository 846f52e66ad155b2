package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.vhost.device.BurstContractTest.Copies;
import io.vhost.dma.DmaChannel;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.state.QueueCounters.Counter;
import java.util.ArrayList;
import java.util.List;

/**
 * An application that moves what there is to move through a queue, and then stops: packets of
 * {@link RawRing#PAYLOAD} bytes, each with the pattern of its number.
 */
final class PacketMover {
    private static final int BURST = 8;

    private final PacketPool pool;
    private final DmaChannel channel;
    private final Packet[] packets = new Packet[64];

    /** With a channel, or synchronously without one. */
    PacketMover(PacketPool pool, Copies copies, DmaChannel channel) {
        this.pool = pool;
        this.channel = copies == Copies.SYNCHRONOUS ? null : channel;
    }

    /** Bursts until nothing goes, numbered from the first on; how many went. */
    int send(VirtQueue queue, int first) {
        int sent = 0;
        int moved;
        long limited;
        do {
            limited = queue.counters().get(Counter.WORK_LIMITED);
            moved = sendBurst(queue, first + sent);
            sent += moved;
        } while (moved > 0 || queue.counters().get(Counter.WORK_LIMITED) > limited);
        return sent;
    }

    private int sendBurst(VirtQueue queue, int first) {
        assertEquals(BURST, pool.take(packets, 0, BURST));
        for (int i = 0; i < BURST; i++) {
            packets[i].copyFrom(TestGuest.pattern(RawRing.PAYLOAD, first + i), 0, RawRing.PAYLOAD);
        }
        if (channel == null) {
            int sent = queue.enqueueBurst(packets, 0, BURST);
            pool.release(packets, 0, BURST);
            return sent;
        }
        int submitted = queue.submitEnqueueBurst(packets, 0, BURST, channel);
        pool.release(packets, submitted, BURST - submitted);
        int sent = 0;
        while (queue.getInflight() > 0) {
            int count = queue.pollEnqueueCompleted(packets, 0, packets.length, channel);
            for (int i = 0; i < count; i++) {
                sent += packets[i].isUndelivered() ? 0 : 1;
            }
            pool.release(packets, 0, count);
        }
        return sent;
    }

    /** Bursts until nothing comes; what came. */
    List<byte[]> receive(VirtQueue queue) {
        List<byte[]> received = new ArrayList<>();
        long before;
        do {
            before = work(queue);
            int count = channel == null
                    ? queue.dequeueBurst(pool, packets, 0, BURST)
                    : queue.tryDequeueBurst(pool, packets, 0, BURST, channel);
            for (int i = 0; i < count; i++) {
                byte[] payload = new byte[packets[i].length()];
                packets[i].copyTo(payload, 0);
                received.add(payload);
            }
            pool.release(packets, 0, count);
        } while (work(queue) > before || (channel != null && queue.getInflight() > 0));
        return received;
    }

    /** Grows with every burst that did something, or that would have if it had been allowed to. */
    private static long work(VirtQueue queue) {
        long sum = 0;
        for (Counter counter : List.of(Counter.PACKETS, Counter.OVERSIZE, Counter.BAD_OFFLOAD,
                Counter.WORK_LIMITED, Counter.SUBMITTED, Counter.COMPLETED)) {
            sum += queue.counters().get(counter);
        }
        return sum;
    }

    /** Three packets through each queue of a guest, which both are in order. */
    void pass(TestGuest good) {
        TestQueue to = good.toGuest();
        TestQueue from = good.fromGuest();
        for (int i = 0; i < 3; i++) {
            to.acceptAt(area(0, i), i, RawRing.FRAME);
            from.sendAt(area(1, i), TestGuest.join(
                    new byte[RawRing.HEADER], TestGuest.pattern(RawRing.PAYLOAD, i)), RawRing.FRAME);
        }
        assertEquals(3, send(to.queue, 0));
        List<byte[]> received = receive(from.queue);
        assertEquals(3, received.size());
        for (int i = 0; i < 3; i++) {
            byte[] expected = TestGuest.pattern(RawRing.PAYLOAD, i);
            assertArrayEquals(expected, received.get(i));
            assertArrayEquals(expected, good.bytes(area(0, i) + RawRing.HEADER, RawRing.PAYLOAD));
            to.assertUsed(i, RawRing.FRAME);
            from.assertUsed(0, 0);
        }
        assertFalse(good.device.isFailed());
    }

    private static long area(int queue, int number) {
        return TestGuest.BUFFERS + queue * 0x8_0000L + 128L * number;
    }
}
