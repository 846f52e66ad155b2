package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.sun.management.ThreadMXBean;
import io.vhost.dma.DmaChannel;
import io.vhost.dma.DmaRegistry;
import io.vhost.dma.engine.DmaEngine;
import io.vhost.dma.engine.InlineDmaEngine;
import io.vhost.dma.engine.WorkerDmaEngine;
import io.vhost.net.Packet;
import io.vhost.net.PacketPool;
import io.vhost.queue.ControlException;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Asynchronous forwarding costs the garbage collector nothing either. */
class AsyncAllocationTest extends EachFormat {
    private static final int BURST = 32;

    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private final Packet[] packets = new Packet[BURST];
    private final Packet[] done = new Packet[BURST];
    private long allocated;

    static Stream<DmaEngine> engines() {
        return Stream.of(new InlineDmaEngine(), new WorkerDmaEngine("allocation test"));
    }

    @ParameterizedTest
    @MethodSource("engines")
    void burstsInSteadyStateAllocateNothing(DmaEngine engine) throws ControlException {
        try (DmaRegistry registry = new DmaRegistry();
                // No stalls: each is an event, and a busy machine has some.
                TestGuest guest = new TestGuest(features(), TestGuest.RING,
                        VhostConfig.builder().asyncCopy(registry).copyStall(Duration.ofMinutes(1)).build());
                PacketPool pool = PacketPool.create(2 * BURST, 512)) {
            guest.start();
            DmaChannel channel = registry.configure("channel", engine);
            guest.fromGuest().queue.registerAsync();
            guest.toGuest().queue.registerAsync();
            long[] address = {TestGuest.GUEST + TestGuest.BUFFERS};
            int[] length = {72};
            long least = Long.MAX_VALUE;
            // The compiler decides when the steady state begins; what a burst allocates shows in each window.
            for (int window = 0; window < 20 && least > 0; window++) {
                allocated = 0;
                for (int i = 0; i < 2_000; i++) {
                    forward(guest, pool, channel, address, length);
                }
                least = Math.min(least, allocated);
            }
            assertEquals(0, least, "bytes in 2000 bursts each way");
        }
    }

    private void forward(TestGuest guest, PacketPool pool, DmaChannel channel, long[] address, int[] length) {
        for (int i = 0; i < BURST; i++) {
            guest.fromGuest().ring.offer(i, address, length, 1, 1);
            guest.toGuest().ring.offer(i, address, length, 0, 1);
        }
        guest.fromGuest().ring.publish();
        guest.toGuest().ring.publish();
        long before = threads.getCurrentThreadAllocatedBytes();
        int taken = 0;
        while (taken < BURST) {
            taken += guest.fromGuest().queue.tryDequeueBurst(pool, packets, taken, BURST - taken, channel);
        }
        int sent = guest.toGuest().queue.submitEnqueueBurst(packets, 0, BURST, channel);
        int back = 0;
        while (back < sent) {
            back += guest.toGuest().queue.pollEnqueueCompleted(done, back, BURST - back, channel);
        }
        allocated += threads.getCurrentThreadAllocatedBytes() - before;
        pool.release(done, 0, back);
        assertEquals(BURST, back);
        for (int i = 0; i < BURST; i++) {
            guest.fromGuest().assertUsed(i, 0);
            guest.toGuest().assertUsed(i, 72);
        }
    }
}
