package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.queue.ControlException;
import io.vhost.state.QueueCounters.Counter;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Forwarding costs the garbage collector nothing, whatever the chains look like, interrupts included. */
class BurstAllocationTest extends EachFormat {
    private static final int BURST = 32;
    private static final int FRAME = 72;
    private static final int ROUNDS = 5_000;
    private static final int WINDOWS = 20;

    /** What a frame lies in. */
    enum Shape {
        ONE_BUFFER, TWO_BUFFERS, TABLE, TWO_CHAINS;

        int buffers() {
            return this == ONE_BUFFER || this == TWO_CHAINS ? 1 : 2;
        }

        /** Chains that a packet to the guest takes. */
        int chains() {
            return this == TWO_CHAINS ? 2 : 1;
        }
    }

    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private final Packet[] packets = new Packet[BURST];
    private final long[] addresses = new long[2];
    private final int[] lengths = new int[2];
    private long table;
    private long allocated;
    private Runnable amongThem = () -> { };

    @ParameterizedTest
    @EnumSource
    void burstsInSteadyStateAllocateNothing(Shape shape) throws ControlException {
        long events = features() | Feature.VIRTIO_F_EVENT_IDX.mask() | Feature.VIRTIO_F_IN_ORDER.mask();
        for (long features : new long[] {features(), events}) {
            assertEquals(0, leastOf(WINDOWS, shape, features), "bytes in " + ROUNDS + " bursts each way");
        }
    }

    /** The measurement sees a single small object in a burst. */
    @Test
    void anAllocationIsSeen() throws ControlException {
        Object[] kept = new Object[1];
        amongThem = () -> kept[0] = new byte[1];
        assertTrue(leastOf(2, Shape.ONE_BUFFER, features()) >= 16 * ROUNDS);
    }

    /** The compiler decides when the steady state begins; what a burst allocates shows in each window. */
    private long leastOf(int windows, Shape shape, long features) throws ControlException {
        try (TestGuest guest = TestGuest.running(features); PacketPool pool = PacketPool.create(BURST, 512)) {
            int count = shape.buffers();
            Arrays.fill(lengths, FRAME / count);
            long frame = guest.fromGuest().allocate(FRAME);
            Arrays.setAll(addresses, i -> TestGuest.GUEST + frame + i * (long) lengths[i]);
            table = guest.fromGuest().allocate(2 * 16 * count);
            long least = Long.MAX_VALUE;
            for (int window = 0; window < windows && least > 0; window++) {
                allocated = 0;
                for (int i = 0; i < ROUNDS; i++) {
                    forward(guest, pool, shape);
                }
                least = Math.min(least, allocated);
            }
            assertEquals(0, guest.toGuest().queue.counters().get(Counter.INTERRUPTS_FAILED));
            long interrupts = guest.toGuest().queue.counters().get(Counter.INTERRUPTS);
            assertEquals(interrupts, guest.toGuest().call.drain());
            return least;
        }
    }

    private void forward(TestGuest guest, PacketPool pool, Shape shape) {
        for (int i = 0; i < BURST; i++) {
            offer(guest.fromGuest(), i, shape, false);
        }
        for (int i = 0; i < BURST * shape.chains(); i++) {
            offer(guest.toGuest(), i, shape, true);
        }
        guest.fromGuest().ring.publish();
        guest.toGuest().ring.publish();
        guest.toGuest().ring.enableInterrupts();
        long before = threads.getCurrentThreadAllocatedBytes();
        int taken = guest.fromGuest().queue.dequeueBurst(pool, packets, 0, BURST);
        swapAddresses(taken);
        amongThem.run();
        int sent = guest.toGuest().queue.enqueueBurst(packets, 0, taken);
        pool.release(packets, 0, taken);
        allocated += threads.getCurrentThreadAllocatedBytes() - before;
        assertEquals(BURST, taken);
        assertEquals(BURST, sent);
        for (int i = 0; i < BURST; i++) {
            guest.fromGuest().assertUsed(i, 0);
        }
        for (int i = 0; i < BURST * shape.chains(); i++) {
            guest.toGuest().assertUsed(i, FRAME / shape.chains());
        }
    }

    private void offer(TestQueue queue, int token, Shape shape, boolean toGuest) {
        int count = shape.buffers();
        int readable = toGuest ? 0 : count;
        if (shape == Shape.TABLE) {
            long at = toGuest ? table : table + 16L * count;
            queue.ring.offerIndirect(token, at, TestGuest.GUEST + at, addresses, lengths, readable, count);
        } else if (shape == Shape.TWO_CHAINS && toGuest) {
            queue.ring.offer(token, addresses[0], FRAME / 2, true);
        } else {
            queue.ring.offer(token, addresses, lengths, readable, count);
        }
    }

    private void swapAddresses(int count) {
        for (int i = 0; i < count; i++) {
            Packet packet = packets[i];
            long destination = packet.networkLongAt(0) >>> 16;
            long source = packet.networkLongAt(4) & 0xFFFF_FFFF_FFFFL;
            packet.putNetworkLong(0, (source << 16) | (destination >>> 32));
            packet.putNetworkInt(8, (int) destination);
        }
    }
}
