package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.sun.management.ThreadMXBean;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Forwarding costs the garbage collector nothing: not with one buffer a packet and not with many. */
class BurstAllocationTest {
    private static final int BURST = 32;

    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private final Packet[] packets = new Packet[BURST];
    private long allocated;

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void burstsInSteadyStateAllocateNothing(int buffers) throws ControlException {
        try (TestGuest guest = TestGuest.running(); PacketPool pool = PacketPool.create(BURST, 512)) {
            int[] lengths = new int[buffers];
            Arrays.fill(lengths, 72 / buffers);
            long[] addresses = new long[buffers];
            Arrays.setAll(addresses, i -> TestGuest.GUEST + TestGuest.BUFFERS + i * 72L / buffers);
            long least = Long.MAX_VALUE;
            // The compiler decides when the steady state begins; what a burst allocates shows in each window.
            for (int window = 0; window < 20 && least > 0; window++) {
                allocated = 0;
                for (int i = 0; i < 5_000; i++) {
                    forward(guest, pool, addresses, lengths);
                }
                least = Math.min(least, allocated);
            }
            assertEquals(0, least, "bytes in 5000 bursts each way");
        }
    }

    private void forward(TestGuest guest, PacketPool pool, long[] addresses, int[] lengths) {
        for (int i = 0; i < BURST; i++) {
            guest.fromGuest().ring.offer(i, addresses, lengths, lengths.length, lengths.length);
            guest.toGuest().ring.offer(i, addresses, lengths, 0, lengths.length);
        }
        guest.fromGuest().ring.publish();
        guest.toGuest().ring.publish();
        long before = threads.getCurrentThreadAllocatedBytes();
        int taken = guest.fromGuest().queue.dequeueBurst(pool, packets, 0, BURST);
        int sent = guest.toGuest().queue.enqueueBurst(packets, 0, taken);
        allocated += threads.getCurrentThreadAllocatedBytes() - before;
        pool.release(packets, 0, taken);
        assertEquals(BURST, taken);
        assertEquals(BURST, sent);
        for (int i = 0; i < BURST; i++) {
            guest.fromGuest().assertUsed(i, 0);
            guest.toGuest().assertUsed(i, 72);
        }
    }
}
