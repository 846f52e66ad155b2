package io.vhost.net;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class PacketAllocationTest {
    @Test
    void takingUsingAndReleasingABurstAllocatesNothing() {
        try (PacketPool pool = PacketPool.create(64, 2048)) {
            Packet[] burst = new Packet[32];
            AllocationCounter counter = new AllocationCounter();
            long sum = 0;
            for (int i = 0; i < 30_000; i++) {
                sum += forward(pool, burst);
            }
            long before = counter.allocatedByThisThread();
            for (int i = 0; i < 10_000; i++) {
                sum += forward(pool, burst);
            }
            long allocated = counter.allocatedByThisThread() - before - counter.ownCost();
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
