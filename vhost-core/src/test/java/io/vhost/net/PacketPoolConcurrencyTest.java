package io.vhost.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class PacketPoolConcurrencyTest {
    private static final int THREADS = 4;
    private static final int ROUNDS = 20_000;

    @Test
    void noPacketIsHandedOutTwice() throws Exception {
        // Fewer packets than the threads want, so that the pool runs empty all the time.
        try (PacketPool pool = PacketPool.create(40, 256)) {
            onAllThreads(thread -> {
                Random random = new Random(thread);
                Packet[] burst = new Packet[16];
                for (int round = 0; round < ROUNDS; round++) {
                    int taken = pool.take(burst, 0, 1 + random.nextInt(16));
                    for (int i = 0; i < taken; i++) {
                        burst[i].reset(16);
                        burst[i].putNetworkLong(0, mark(thread, round, i));
                        burst[i].putNetworkLong(8, burst[i].index());
                    }
                    for (int i = 0; i < taken; i++) {
                        assertEquals(mark(thread, round, i), burst[i].networkLongAt(0));
                        assertEquals(burst[i].index(), burst[i].networkLongAt(8));
                    }
                    pool.release(burst, 0, taken);
                }
            });
            assertEquals(40, pool.available());
        }
    }

    private static long mark(int thread, int round, int i) {
        return (long) thread << 40 | (long) round << 8 | i;
    }

    @Test
    void oneOfManyReleasesOfTheSamePacketSucceeds() throws Exception {
        try (PacketPool pool = PacketPool.create(2, 256)) {
            AtomicInteger succeeded = new AtomicInteger();
            Packet[] shared = new Packet[1];
            CyclicBarrier barrier = new CyclicBarrier(THREADS);
            onAllThreads(thread -> {
                for (int round = 0; round < 500; round++) {
                    if (thread == 0) {
                        shared[0] = pool.take();
                    }
                    barrier.await();
                    try {
                        pool.release(shared[0]);
                        succeeded.incrementAndGet();
                    } catch (IllegalStateException e) {
                        assertEquals(2, pool.available());
                    }
                    barrier.await();
                }
            });
            assertEquals(500, succeeded.get());
            assertEquals(0, pool.outstanding());
        }
    }

    @Test
    void packetsMayBeReleasedByAnotherThread() throws Exception {
        try (PacketPool pool = PacketPool.create(32, 256)) {
            BlockingQueue<Packet> queue = new ArrayBlockingQueue<>(64);
            onAllThreads(thread -> {
                int handed = 0;
                while (handed < ROUNDS) {
                    if (thread % 2 == 1) {
                        Packet packet = queue.take();
                        assertEquals(packet.index(), packet.networkIntAt(0));
                        packet.release();
                        handed++;
                    } else {
                        Packet packet = pool.take();
                        if (packet == null) {
                            Thread.onSpinWait();
                        } else {
                            packet.reset(4);
                            packet.putNetworkInt(0, packet.index());
                            queue.put(packet);
                            handed++;
                        }
                    }
                }
            });
            assertNull(queue.poll());
            assertEquals(0, pool.outstanding());
        }
    }

    private interface Work {
        void run(int thread) throws Exception;
    }

    private static void onAllThreads(Work work) throws Exception {
        try (ExecutorService executor = Executors.newFixedThreadPool(THREADS)) {
            List<Future<?>> running = new ArrayList<>();
            for (int i = 0; i < THREADS; i++) {
                int thread = i;
                running.add(executor.submit(() -> {
                    work.run(thread);
                    return null;
                }));
            }
            for (Future<?> one : running) {
                one.get();
            }
        }
    }
}
