package io.vhost.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.vhost.memory.DirtyLog;
import io.vhost.queue.ControlException;
import io.vhost.testing.FaultyDmaEngine;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The log of written pages while a channel copies. */
class AsyncMigrationTest extends AsyncFixture {
    private static final int CHAINS = 512;

    private final MarkedPages marks = new MarkedPages();
    private final Random random = new Random(3);
    private final long[] at = new long[CHAINS];
    private int offered;
    private int used;

    @AfterEach
    void closeLog() {
        marks.close();
    }

    private void log(boolean wanted) throws ControlException {
        guest.control.features(guest.features | (wanted ? Feature.VHOST_F_LOG_ALL.mask() : 0));
    }

    /** Chains of one, two and three buffers, smaller than a packet or larger. */
    private void offer(int count) {
        TestQueue queue = guest.toGuest();
        for (int i = 0; i < count && queue.ring.free() >= 3; i++) {
            int token = offered++ % CHAINS;
            at[token] = TestGuest.BUFFERS + random.nextInt(0x20_0000);
            int first = HEADER + random.nextInt(1000);
            int second = 1 + random.nextInt(3000);
            queue.acceptAt(at[token], token, switch (random.nextInt(3)) {
                case 0 -> new int[] {first};
                case 1 -> new int[] {first, second};
                default -> new int[] {first, second, 1 + random.nextInt(5000)};
            });
        }
    }

    /** What the driver sees used has been marked by then. */
    private void assertUsedIsMarked(Set<Long> marked) {
        TestQueue queue = guest.toGuest();
        for (int token = queue.ring.poll(); token >= 0; token = queue.ring.poll()) {
            assertEquals(used++ % CHAINS, token);
            Set<Long> written = MarkedPages.of(at[token], queue.ring.usedLength());
            assertTrue(marked.containsAll(written), () -> written + " written, marked are " + marked);
        }
    }

    private void assertRingIsMarked(byte[] before, Set<Long> marked) {
        Set<Long> written = MarkedPages.changed(before, MarkedPages.snapshot(guest));
        written.removeIf(page -> page >= TestGuest.BUFFERS / DirtyLog.PAGE);
        assertTrue(marked.containsAll(written), () -> written + " of a ring, marked are " + marked);
    }

    /** Rings in one page, and in several that are gone round. */
    @ParameterizedTest
    @ValueSource(ints = {64, 512})
    void everyPageOfAPacketIsMarkedWhenItsChainsAreUsed(int size) throws ControlException {
        start(features(), size, FaultyDmaEngine.seeded(8).depth(30));
        VirtQueue queue = queue(0);
        queue.registerAsync();
        guest.control.memory().dirtyLog(marks.file(), 0, MarkedPages.LOG_SIZE);
        log(true);
        MarkedPages.logDeviceAreas(guest);
        marks.take();
        int packetsSent = 0;
        Set<Long> ring = new HashSet<>();
        for (int round = 0; round < 150; round++) {
            offer(24);
            int count = 1 + random.nextInt(8);
            for (int i = 0; i < count; i++) {
                fill(i, 1, 1 + random.nextInt(2048));
            }
            byte[] before = MarkedPages.snapshot(guest);
            int accepted = queue.submitEnqueueBurst(packets, 0, count, channel);
            pool.release(packets, accepted, count - accepted);
            int back = queue.pollEnqueueCompleted(done, 0, 256, channel);
            pool.release(done, 0, back);
            Set<Long> marked = marks.take();
            assertRingIsMarked(before, marked);
            assertUsedIsMarked(marked);
            marked.removeIf(page -> page >= TestGuest.BUFFERS / DirtyLog.PAGE);
            ring.addAll(marked);
            packetsSent += accepted;
        }
        while (queue.getInflight() > 0) {
            pool.release(done, 0, queue.clearQueue(done, 0, 256, channel));
        }
        assertUsedIsMarked(marks.take());
        assertTrue(packetsSent > 150 && used > packetsSent, packetsSent + " packets in " + used + " chains");
        assertTrue(size == 64 || ring.size() > 1, "pages of the ring: " + ring);
    }

    /** The channel has the copies when the front-end begins to migrate, and they are made after that. */
    @Test
    void copiesThatWereUnderWayWhenTheLogBeganAreMarked() throws ControlException {
        VirtQueue queue = started(0);
        engine.hold(true);
        offer(30);
        fill(0, 4, 2000);
        assertEquals(4, queue.submitEnqueueBurst(packets, 0, 4, channel));
        guest.control.memory().dirtyLog(marks.file(), 0, MarkedPages.LOG_SIZE);
        log(true);
        assertEquals(4, queue.getInflight(), "the ring was not stopped for that");
        engine.hold(false);
        assertEquals(4, queue.pollEnqueueCompleted(done, 0, 4, channel));
        assertUsedIsMarked(marks.take());
        assertTrue(used >= 4);
        pool.release(done, 0, 4);
    }

    /** A ring that stops waits for its copies, and they count for the log although nobody polls. */
    @Test
    void copiesThatAStopWaitedForAreMarked() throws ControlException {
        VirtQueue queue = started(0);
        guest.control.memory().dirtyLog(marks.file(), 0, MarkedPages.LOG_SIZE);
        log(true);
        guest.listener.action = call -> engine.hold(false);
        engine.hold(true);
        offer(30);
        fill(0, 4, 2000);
        assertEquals(4, queue.submitEnqueueBurst(packets, 0, 4, channel));
        marks.take();
        guest.control.stopRing(0);
        assertUsedIsMarked(marks.take());
        assertTrue(used >= 4);
        assertEquals(4, queue.clearQueue(done, 0, 4, channel));
        pool.release(done, 0, 4);
    }
}
