package io.vhost.device;

import io.vhost.queue.ControlException;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.vhost.testing.FaultyDmaEngine;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Short copies that are not left to a channel. */
class AsyncThresholdTest extends AsyncFixture {
    private static final int THRESHOLD = 256;

    @BeforeEach
    void start() throws ControlException {
        engine = FaultyDmaEngine.seeded(1).build();
        channel = registry.configure("test", engine);
        guest = new TestGuest(features(), TestGuest.RING,
                VhostConfig.builder().asyncCopy(registry).copyThreshold(THRESHOLD).build());
        guest.start();
        queue(0).registerAsync();
        queue(1).registerAsync();
    }

    @Test
    void aShortPacketWaitsForTheLongOneBeforeIt() {
        int[] lengths = {THRESHOLD, THRESHOLD - 1, 60};
        long[] at = new long[lengths.length];
        for (int i = 0; i < lengths.length; i++) {
            at[i] = guest.toGuest().accept(i, 600);
            fill(i, 1, lengths[i]);
        }
        engine.hold(true);
        assertEquals(3, queue(0).submitEnqueueBurst(packets, 0, 3, channel));
        assertEquals(1, engine.underWay());
        assertEquals(0, queue(0).pollEnqueueCompleted(done, 0, 3, channel));
        assertEquals(-1, guest.toGuest().ring.poll());
        assertEquals(3, queue(0).getInflight());
        engine.hold(false);
        assertEquals(3, queue(0).pollEnqueueCompleted(done, 0, 3, channel));
        for (int i = 0; i < lengths.length; i++) {
            assertSame(packets[i], done[i]);
            assertFalse(done[i].isUndelivered());
            guest.toGuest().assertUsed(i, HEADER + lengths[i]);
            assertArrived(at[i], i, lengths[i]);
        }
        assertEquals(1, engine.copies());
        assertBalanced(0);
        pool.release(done, 0, 3);
    }

    @Test
    void whatAGuestSendsInShortPacketsIsCopiedWithoutTheChannel() {
        long[] address = {TestGuest.GUEST + TestGuest.BUFFERS};
        guest.fromGuest().ring.offer(0, address, new int[] {HEADER + 60}, 1, 1);
        guest.fromGuest().ring.publish();
        engine.hold(true);
        assertEquals(1, queue(1).tryDequeueBurst(pool, done, 0, 4, channel));
        assertEquals(60, done[0].length());
        guest.fromGuest().assertUsed(0, 0);
        assertEquals(0, engine.underWay());
        assertBalanced(1);
        done[0].release();
    }

    @Test
    void aNegativeThresholdIsRefused() {
        VhostConfig.Builder builder = VhostConfig.builder().copyThreshold(-1);
        assertThrows(IllegalArgumentException.class, builder::build);
    }
}
