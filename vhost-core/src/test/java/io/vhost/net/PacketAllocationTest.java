package io.vhost.net;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.Test;

class PacketAllocationTest {
    @Test
    void takingUsingAndReleasingABurstAllocatesNothing() {
        try (PacketPool pool = PacketPool.create(64, 2048)) {
            Packet[] burst = new Packet[32];
            ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
            long sum = 0;
            for (int i = 0; i < 30_000; i++) {
                sum += forward(pool, burst);
                if (i % 1000 == 0) {
                    threads.getCurrentThreadAllocatedBytes();
                }
            }
            long before = threads.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < 10_000; i++) {
                sum += forward(pool, burst);
            }
            long allocated = threads.getCurrentThreadAllocatedBytes() - before;
            assertEquals(40_000L * 32 * 60, sum);
            assertEquals(0, allocated, "bytes in 10000 bursts");
        }
    }

    private static long forward(PacketPool pool, Packet[] burst) {
        int taken = pool.take(burst, 0, burst.length);
        long bytes = 0;
        for (int i = 0; i < taken; i++) {
            Packet packet = burst[i];
            packet.reset(60);
            packet.putNetworkShort(12, 0x0800);
            packet.requestChecksum(34, 16);
            InternetChecksum.complete(packet);
            bytes += packet.length();
        }
        pool.release(burst, 0, taken - 1);
        burst[taken - 1].release();
        return bytes;
    }
}
