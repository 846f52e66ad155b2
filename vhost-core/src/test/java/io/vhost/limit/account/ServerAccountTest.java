package io.vhost.limit.account;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.limit.Limit;
import io.vhost.limit.ResourceLimits;
import io.vhost.os.Descriptor;
import io.vhost.os.MemFd;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ServerAccountTest {
    private final ResourceAccount process = new ResourceAccount(1L << 30);
    private final AtomicInteger arrivals = new AtomicInteger();
    private final ServerAccount account = new ServerAccount(process, arrivals::get);
    private final ServerAccount other = new ServerAccount(process, () -> 0);

    private static ResourceLimits.Builder limits() {
        return ResourceLimits.builder();
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
        assertEquals(11, process.usage().mappings());
        assertEquals(1010, process.usage().mappedBytes());
        account.giveMemory(9, 800);
        account.giveMemory(1, 200);
        account.giveMemory(1, 10);
        assertEquals(0, process.usage().mappings());
        assertEquals(0, process.usage().mappedBytes());
        assertEquals(1, process.usage().refusals().get(Limit.PROCESS_MAPPINGS));
        assertEquals(1, process.usage().refusals().get(Limit.PROCESS_MAPPED_BYTES));
        assertEquals(1, process.usage().refusals().get(Limit.MAPPED_BYTES));
        assertEquals(0, process.usage().refusals().get(Limit.CONNECTIONS));
    }

    /** What one server cannot get, another still can, up to the limit of the process. */
    @Test
    void aServerGetsItsPartAndLeavesTheRest() {
        ResourceLimits limits = limits().connections(2).processConnections(3)
                .serverMappings(6).processMappings(10)
                .serverMappedBytes(600).processMappedBytes(1000).build();
        assertNull(account.takeConnection(limits));
        assertNull(account.takeConnection(limits));
        assertEquals("the limit of 2 connections of one server is reached (ResourceLimits.connections,"
                + " --max-connections)", account.takeConnection(limits));
        assertNull(other.takeConnection(limits));
        assertEquals("the limit of 3 connections of this process is reached"
                + " (ResourceLimits.processConnections)", other.takeConnection(limits));
        account.giveConnection();
        assertNull(other.takeConnection(limits), "nothing is kept of what was refused");

        assertNull(account.takeMemory(6, 600, limits));
        assertEquals("the limit of 6 mappings of one server is reached (ResourceLimits.serverMappings)",
                account.takeMemory(1, 0, limits));
        assertEquals("the limit of 600 mapped bytes of one server is reached"
                + " (ResourceLimits.serverMappedBytes)", account.takeMemory(0, 1, limits));
        assertNull(other.takeMemory(4, 400, limits));
        assertEquals("the limit of 10 mappings of this process is reached (ResourceLimits.processMappings)",
                other.takeMemory(1, 0, limits));
        assertEquals("the limit of 1000 mapped bytes of this process is reached"
                + " (ResourceLimits.processMappedBytes)", other.takeMemory(0, 1, limits));
        account.giveMemory(6, 600);
        assertNull(other.takeMemory(2, 200, limits));
        assertEquals(6, process.usage().mappings());
        assertEquals(600, process.usage().mappedBytes());
        assertEquals(1, process.usage().refusals().get(Limit.SERVER_MAPPINGS));
        assertEquals(1, process.usage().refusals().get(Limit.SERVER_MAPPED_BYTES));
    }

    /** A connection counts as its socket and what came over it. */
    @Test
    void descriptorsOfAServerAreThoseOfItsConnectionsTogether() {
        ResourceLimits limits = limits().descriptors(9).serverDescriptors(10).build();
        assertNull(account.takeConnection(limits));
        assertNull(account.takeConnection(limits));
        arrivals.set(8);
        assertNull(account.checkDescriptors(9, limits));
        assertEquals("the limit of 9 descriptors of one connection is reached (ResourceLimits.descriptors)",
                account.checkDescriptors(10, limits));
        arrivals.set(9);
        assertEquals("the limit of 10 descriptors of one server is reached"
                + " (ResourceLimits.serverDescriptors)", account.checkDescriptors(9, limits));
        assertNull(other.checkDescriptors(9, limits));
        account.giveConnection();
        assertNull(account.checkDescriptors(9, limits));
    }

    private static int takeAll(ServerAccount account, int entries) {
        int rings = 0;
        while (account.takeRing(entries) == null) {
            rings++;
        }
        return rings;
    }

    /** 64 KiB for a ring and 256 bytes for each entry, of half of the heap, and three quarters a server. */
    @Test
    void ringsGetAPartOfTheHeapAndLargeOnesLeaveRoomForOthers() {
        long quarter = 1L << 28;
        int large = 32768;
        long bytes = 65536 + 256L * large;
        int most = (int) (quarter / 4 * 3 / bytes);
        for (int i = 0; i < most; i++) {
            assertNull(account.takeRing(large));
        }
        assertEquals("8454144 bytes of heap for a ring of 32768 entries are too many beside "
                + most * bytes + " for others of one server and at most 201326592"
                + " (ask for smaller rings, or start the JVM with a larger -Xmx)", account.takeRing(large));
        int others = takeAll(other, large);
        assertEquals((int) (quarter / bytes), most + others);
        assertEquals("8454144 bytes of heap for a ring of 32768 entries are too many beside "
                + (most + others) * bytes + " for others of this process and at most 268435456"
                + " (ask for smaller rings, or start the JVM with a larger -Xmx)", other.takeRing(large));
        takeAll(other, 1025);
        int usual = takeAll(other, 1024);
        assertEquals(quarter / (65536.0 + 256 * 1024), usual, 1.5);
        assertEquals(5, process.usage().refusals().get(Limit.HEAP));
        account.giveRing(large);
        assertEquals((int) (bytes / (65536.0 + 256 * 1024)), takeAll(account, 1024), 1);
    }

    @Test
    void aServerLeavesHeapForRingsOfTheUsualSizeToOthers() {
        long half = 1L << 29;
        long bytes = 65536 + 256 * 1024;
        assertEquals((int) (half / 4 * 3 / bytes), takeAll(account, 1024));
        assertEquals((double) half / 4 / bytes, takeAll(other, 1024), 1);
    }

    /** What the process refuses is given back to the server, which can have it when others have left. */
    @Test
    void aRingThatTheProcessRefusesIsNotTheServers() {
        int others = takeAll(other, 1024);
        int mine = takeAll(account, 1024);
        for (int i = 0; i < 1000; i++) {
            account.takeRing(1024);
        }
        for (int i = 0; i < others; i++) {
            other.giveRing(1024);
        }
        assertEquals(others, mine + takeAll(account, 1024));
    }

    @Test
    void noSumOfWhatFrontEndsSayOverflows() {
        ResourceLimits limits =
                limits().mappedBytes(Long.MAX_VALUE).serverMappedBytes(Long.MAX_VALUE)
                        .processMappedBytes(Long.MAX_VALUE).build();
        assertNull(account.takeMemory(1, Long.MAX_VALUE, limits));
        assertEquals("the limit of 9223372036854775807 mapped bytes of one server is reached"
                + " (ResourceLimits.serverMappedBytes)", account.takeMemory(1, Long.MAX_VALUE, limits));
        assertEquals("the limit of 9223372036854775807 mapped bytes of this process is reached"
                + " (ResourceLimits.processMappedBytes)", other.takeMemory(1, Long.MAX_VALUE, limits));
        account.giveMemory(1, Long.MAX_VALUE);
    }

    @Test
    void whoGivesBackMoreThanWasTakenIsTold() {
        assertThrows(IllegalStateException.class, account::giveConnection);
        assertEquals(0, process.usage().connections());
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
                    if (account.takeConnection(limits) == null) {
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
        assertEquals(0, process.usage().connections());
    }

    private static int takeMappings(ServerAccount account, ResourceLimits limits) {
        int taken = 0;
        while (account.takeMemory(1, 1, limits) == null) {
            taken++;
        }
        return taken;
    }

    /** Two servers that take all they can get leave the third, and one to come, what is theirs. */
    @Test
    void whatIsKeptForAServerNoOtherGets() {
        ServerAccount third = new ServerAccount(process, () -> 0);
        ServerAccount fourth = new ServerAccount(process, () -> 0);
        ResourceLimits limits = limits().serverMappings(400).processMappings(800).build();
        account.open();
        other.open();
        third.open();
        assertEquals(400, takeMappings(account, limits));
        assertEquals(800 - 400 - 2 * 100, takeMappings(other, limits), "each has 100 kept, and the next");
        assertEquals("the limit of 800 mappings of this process is reached (ResourceLimits.processMappings)",
                other.takeMemory(1, 1, limits));
        assertEquals(100, takeMappings(third, limits));
        fourth.open();
        assertEquals(80, takeMappings(fourth, limits), "half of the process's in five parts");
        fourth.giveMemory(80, 80);
        fourth.close();
        other.close();
        assertEquals(33, takeMappings(third, limits), "of two servers each has a third of the half");
    }

    @Test
    void aServerThatIsAloneGetsAll() {
        ResourceLimits limits = limits().serverMappings(10).processMappings(10)
                .connections(3).processConnections(3).build();
        account.open();
        assertEquals(10, takeMappings(account, limits));
        assertNull(account.takeConnection(limits));
        assertNull(account.takeConnection(limits));
        assertNull(account.takeConnection(limits));
    }

    /** Of connections, bytes, rings and descriptors too. */
    @Test
    void everythingIsKept() {
        ServerAccount third = new ServerAccount(process, () -> 0);
        ResourceLimits limits = limits().connections(80).processConnections(80)
                .serverMappedBytes(80).processMappedBytes(80)
                .serverDescriptors(1_000_000).processDescriptors(1_000_000).build();
        account.open();
        other.open();
        third.open();
        for (int i = 0; i < 80 - 3 * 10; i++) {
            assertNull(account.takeConnection(limits));
        }
        assertEquals("the limit of 80 connections of this process is reached"
                + " (ResourceLimits.processConnections)", account.takeConnection(limits));
        assertNull(third.takeConnection(limits));
        assertNull(account.takeMemory(1, 50, limits));
        assertEquals("the limit of 80 mapped bytes of this process is reached"
                + " (ResourceLimits.processMappedBytes)", account.takeMemory(1, 1, limits));
        assertNull(third.takeMemory(1, 10, limits));
        int all = takeAll(account, 1024);
        assertTrue(takeAll(other, 1024) > 0, all + " were taken before");
        assertTrue(takeAll(third, 1024) > 0, all + " were taken before");
    }

    /** One large ring may be more than a part; they cannot take what is for those of the usual size. */
    @Test
    void nothingIsKeptFromLargeRings() {
        account.open();
        other.open();
        ServerAccount third = new ServerAccount(process, () -> 0);
        third.open();
        int large = 32768;
        long bytes = 65536 + 256L * large;
        long quarter = 1L << 28;
        assertEquals((int) (quarter / 4 * 3 / bytes), takeAll(account, large));
        assertEquals((int) (quarter / bytes) - (int) (quarter / 4 * 3 / bytes), takeAll(other, large));
        assertEquals(0, takeAll(third, large));
        assertTrue(takeAll(third, 1024) > 0);
    }

    @Test
    void descriptorsAreKept() {
        int open = Descriptor.openDescriptors();
        int process = 8 * (open + 10);
        ResourceLimits limits = limits().serverDescriptors(process).processDescriptors(process)
                .descriptors(process).build();
        account.open();
        assertNull(account.checkDescriptors(1, limits));
        List<Descriptor> taken = new ArrayList<>();
        ServerAccount third = new ServerAccount(this.process, () -> 0);
        other.open();
        third.open();
        int each = process / 8;
        try {
            while (account.checkDescriptors(1, limits) == null) {
                taken.add(MemFd.create("taken", 1));
                arrivals.getAndIncrement();
            }
            // One more than may be, which is when it is seen.
            assertEquals(process - 3 * each + 1, Descriptor.openDescriptors());
            assertNull(other.checkDescriptors(1, limits));
            assertNull(third.takeConnection(limits));
        } finally {
            taken.forEach(Descriptor::close);
        }
    }
}
