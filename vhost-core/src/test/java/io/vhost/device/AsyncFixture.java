package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.vhost.dma.DmaChannel;
import io.vhost.dma.DmaRegistry;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.queue.ControlException;
import io.vhost.state.QueueCounters;
import io.vhost.testing.FaultyDmaEngine;
import org.junit.jupiter.api.AfterEach;

/** A device whose queues copy through one engine that does as it is told. */
abstract class AsyncFixture extends EachFormat {
    static final int HEADER = 12;

    final DmaRegistry registry = new DmaRegistry();
    final PacketPool pool = PacketPool.create(256, PacketPool.DEFAULT_HEADROOM + 2048);
    final Packet[] packets = new Packet[256];
    final Packet[] done = new Packet[256];
    FaultyDmaEngine engine;
    DmaChannel channel;
    TestGuest guest;

    void start(long features, int ringSize, FaultyDmaEngine.Builder builder) throws ControlException {
        engine = builder.build();
        channel = registry.configure("test", engine);
        guest = TestGuest.asynchronous(features, ringSize, registry);
    }

    /** One queue of the fixture that is registered, on a guest with rings of 64. */
    VirtQueue started(int index) throws ControlException {
        start(features(), TestGuest.RING, FaultyDmaEngine.seeded(1));
        queue(index).registerAsync();
        return queue(index);
    }

    VirtQueue queue(int index) {
        return guest.device.queue(index);
    }

    /** Packets {@code from} to {@code from + count} with patterns of their number. */
    void fill(int from, int count, int length) {
        assertEquals(count, pool.take(packets, from, count));
        for (int i = from; i < from + count; i++) {
            packets[i].copyFrom(TestGuest.pattern(length, i), 0, length);
        }
    }

    /** What the guest has at an offset, behind the header, is the packet with this number. */
    void assertArrived(long offset, int number, int length) {
        assertArrayEquals(TestGuest.pattern(length, number), guest.bytes(offset + HEADER, length));
    }

    int counted(int queue, QueueCounters.Counter counter) {
        return (int) queue(queue).counters().get(counter);
    }

    /** Submitted is what was completed and what is in flight; nobody holds a lock. */
    void assertBalanced(int queue) {
        assertEquals(counted(queue, QueueCounters.Counter.SUBMITTED),
                counted(queue, QueueCounters.Counter.COMPLETED) + queue(queue).getInflight());
        assertEquals(0, guest.holds());
    }

    /** Every packet back, to the pool and from the channel. */
    @AfterEach
    void nothingIsLeft() {
        if (guest != null) {
            guest.close();
        }
        assertEquals(0, pool.outstanding(), "packets that are missing");
        pool.close();
        registry.close();
    }
}
