package io.vhost.limit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ResourceAccountTest {
    private final ResourceAccount account = new ResourceAccount(1L << 30);

    private static ResourceLimits.Builder limits() {
        return new ResourceLimits.Builder(20000, 65530, 0);
    }

    @Test
    void exactlyTheLimitIsTaken() {
        ResourceLimits limits =
                limits().processMappings(10).processMappedBytes(1000).mappedBytes(800).build();
        assertNull(account.takeMemory(9, 800, limits));
        assertEquals("the limit of 10 mappings of this process is reached (ResourceLimits.processMappings)",
                account.takeMemory(2, 1, limits));
        assertEquals("the limit of 1000 mapped bytes of this process is reached"
                + " (ResourceLimits.processMappedBytes)", account.takeMemory(1, 201, limits));
        assertEquals("the limit of 800 mapped bytes of one connection is reached"
                + " (ResourceLimits.mappedBytes)", account.takeMemory(1, 801, limits));
        assertNull(account.takeMemory(1, 200, limits));
        account.takeSmaller(1, 10);
        assertEquals(11, account.usage().mappings());
        assertEquals(1010, account.usage().mappedBytes());
        account.giveMemory(9, 800);
        account.giveMemory(1, 200);
        account.giveMemory(1, 10);
        assertEquals(0, account.usage().mappings());
        assertEquals(0, account.usage().mappedBytes());
        assertEquals(1, account.usage().refusals().get(Limit.PROCESS_MAPPINGS));
        assertEquals(1, account.usage().refusals().get(Limit.PROCESS_MAPPED_BYTES));
        assertEquals(1, account.usage().refusals().get(Limit.MAPPED_BYTES));
        assertEquals(0, account.usage().refusals().get(Limit.CONNECTIONS));
    }

    /** 64 KiB for a ring and 256 bytes for each entry; a quarter of the heap at most for large ones. */
    @Test
    void ringsGetAPartOfTheHeapAndLargeOnesLeaveRoomForOthers() {
        long quarter = 1L << 28;
        int large = 32768;
        long bytes = 65536 + 256L * large;
        int most = (int) (quarter / bytes);
        for (int i = 0; i < most; i++) {
            assertNull(account.takeRing(large));
        }
        String refusal = account.takeRing(large);
        assertEquals("8454144 bytes of heap for a ring of 32768 entries are too many beside "
                + most * bytes + " for others and at most 268435456"
                + " (ask for smaller rings, or start the JVM with a larger -Xmx)", refusal);
        while (account.takeRing(1025) == null) {
            // What is left of the quarter.
        }
        int usual = 0;
        while (account.takeRing(1024) == null) {
            usual++;
        }
        assertEquals(quarter / (65536.0 + 256 * 1024), usual, 1.5);
        assertEquals(3, account.usage().refusals().get(Limit.HEAP));
        for (int i = 0; i < usual; i++) {
            account.giveRing(1024);
        }
        account.giveRing(large);
        assertNull(account.takeRing(large));
    }

    @Test
    void noSumOfWhatFrontEndsSayOverflows() {
        ResourceLimits limits =
                limits().mappedBytes(Long.MAX_VALUE).processMappedBytes(Long.MAX_VALUE).build();
        assertNull(account.takeMemory(1, Long.MAX_VALUE, limits));
        assertEquals("the limit of 9223372036854775807 mapped bytes of this process is reached"
                + " (ResourceLimits.processMappedBytes)", account.takeMemory(1, Long.MAX_VALUE, limits));
        account.giveMemory(1, Long.MAX_VALUE);
    }

    @Test
    void whoGivesBackMoreThanWasTakenIsTold() {
        assertThrows(IllegalStateException.class, account::giveConnection);
        assertEquals(0, account.usage().connections());
    }

    @Test
    void atOnceNotMoreThanTheLimitIsTaken() throws Exception {
        ResourceLimits limits = limits().processConnections(1).build();
        AtomicInteger holders = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        CyclicBarrier start = new CyclicBarrier(2);
        Thread[] threads = new Thread[2];
        for (int t = 0; t < threads.length; t++) {
            threads[t] = Thread.ofPlatform().start(() -> {
                try {
                    start.await();
                } catch (Exception e) {
                    throw new AssertionError(e);
                }
                for (int i = 0; i < 100_000; i++) {
                    if (account.takeConnection(0, limits) == null) {
                        most.accumulateAndGet(holders.incrementAndGet(), Math::max);
                        holders.getAndDecrement();
                        account.giveConnection();
                    }
                }
            });
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertEquals(1, most.get());
        assertEquals(0, account.usage().connections());
    }
}
